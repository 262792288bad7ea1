from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from answerloop.testing.installation import RunningInstallation
from answerloop.testing.installation_on_servers import InstallationOnServers
from answerloop.testing.servers import PostgresServer, RedisServer


@pytest.fixture(scope="session", params=["embedded", "servers"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, few_documents: Path
) -> Iterator[RunningInstallation]:
    """One installation with the extractive generator for all tests of a session: on SQLite and Valkey, then on
    PostgreSQL and Redis."""
    home = tmp_path_factory.mktemp("installation") / "state"
    with ExitStack() as servers:
        if request.param == "embedded":
            installation = RunningInstallation(home, few_documents)
        else:
            redis, postgres = servers.enter_context(RedisServer()), servers.enter_context(PostgresServer())
            installation = InstallationOnServers(home, few_documents, redis, postgres)
        installation.start()
        yield installation
        installation.stop()
        installation.database.dispose()
