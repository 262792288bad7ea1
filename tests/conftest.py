import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.db.session import Database
from answerloop.testing.installation import CHECKOUT


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    yield database
    database.dispose()


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
