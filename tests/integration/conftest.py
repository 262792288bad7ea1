import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.testing.installation import CHECKOUT, RunningInstallation


@pytest.fixture(scope="session")
def few_documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight documents of the sample handbook: quick to index."""
    folder = tmp_path_factory.mktemp("handbook")
    for name in ("hr/parental-leave.md", "hr/annual-leave.md", "hr/sick-leave.html", "it/vpn-troubleshooting.md",
                 "travel/travel-policy-2024.md", "travel/travel-policy-2026.md", "finance/expenses.md"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / "samples" / "handbook" / name, folder / name)
    shutil.copytree(CHECKOUT / "samples" / "handbook" / "hr" / "restricted", folder / "hr" / "restricted")
    return folder


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, few_documents: Path) -> Iterator[RunningInstallation]:
    """One installation with the extractive generator for all tests of a session."""
    installation = RunningInstallation(tmp_path_factory.mktemp("installation") / "state", few_documents)
    installation.start()
    yield installation
    installation.stop()
    installation.database.dispose()
