import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.cli import broker
from answerloop.settings import StateFolder
from answerloop.testing.installation import until
from answerloop.testing.servers import RedisServer


@pytest.fixture(params=["valkey", pytest.param("redis", marks=pytest.mark.stack)])
def broker_server(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Its process and its URL."""
    if request.param == "valkey":
        yield request.getfixturevalue("valkey")
        return
    with RedisServer() as server:
        yield server.process, server.url


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    state = StateFolder(tmp_path)
    process = subprocess.Popen(broker.prepare(state), stdout=subprocess.DEVNULL)
    url = state.broker_url.read_text().strip()
    until(lambda: broker.answers(url), 20)
    yield process, url
    process.kill()
    process.wait()
