import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.db.session import Database
from answerloop.testing.past import Past, paint
from tests.unit.review.dashboard.page_kit import PROXY, PageKit


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Past]:
    """A made-up past of a few days, painted once."""
    file = tmp_path_factory.mktemp("past") / "past.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    past = paint(database, days=9)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return file, past


@pytest.fixture
def past(painted: tuple[Path, Past], tmp_path: Path) -> Iterator[tuple[Database, Past]]:
    """A copy of its own for each test."""
    shutil.copy(painted[0], tmp_path / "past.db")
    database = Database(f"sqlite:///{tmp_path / 'past.db'}")
    yield database, painted[1]
    database.dispose()


@pytest.fixture
def kit(past: tuple[Database, Past], tmp_path: Path) -> PageKit:
    """People come through the company's sign-in."""
    return PageKit(*past, tmp_path / "home", identity_header="X-User", trusted_proxies=(PROXY,))


@pytest.fixture
def development(past: tuple[Database, Past], tmp_path: Path) -> PageKit:
    return PageKit(*past, tmp_path / "home")
