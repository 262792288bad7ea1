import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.db.session import Database
from answerloop.testing.installation import CHECKOUT
from answerloop.testing.servers import PostgresServer

ON_BOTH_DATABASES = (
    "tests/unit/answerloop/db/",
    "tests/unit/bot/test_",
    "tests/unit/review/",
    "tests/unit/workers/answering/",
    "tests/unit/workers/indexing/",
    "tests/unit/workers/test_",
    "tests/unit/workers/training/test_canary.py",
    "tests/unit/workers/training/test_dataset.py",
    "tests/unit/workers/training/test_erasure_of_rows.py",
    "tests/unit/workers/training/test_evaluate.py",
    "tests/unit/workers/training/test_nightly.py",
    "tests/unit/workers/training/test_promote.py",
    "tests/contracts/test_promotion_is_killed.py",
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(durable=False) as server:
        yield server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of what the database does run on SQLite in `make test`, and on PostgreSQL in `make test-all`."""
    on_both = any(metafunc.definition.nodeid.startswith(place) for place in ON_BOTH_DATABASES)
    if on_both and "database_url" in metafunc.fixturenames:
        both = ["sqlite", pytest.param("postgres", marks=pytest.mark.stack)]
        metafunc.parametrize("database_url", both, indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database with all tables and no rows."""
    if getattr(request, "param", "sqlite") == "postgres":
        with request.getfixturevalue("postgres").database() as url:
            yield url
        return
    url = f"sqlite:///{tmp_path / 'test.db'}"
    database = Database(url)
    database.migrate()
    database.dispose()
    yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
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
