from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.testing.installation import RunningInstallation


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, few_documents: Path) -> Iterator[RunningInstallation]:
    """One installation with the extractive generator for all tests of a session."""
    installation = RunningInstallation(tmp_path_factory.mktemp("installation") / "state", few_documents)
    installation.start()
    yield installation
    installation.stop()
    installation.database.dispose()
