"""An installation moves from SQLite to PostgreSQL and back, and nothing of it changes on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.db.tables import ConversationRow, DocumentRow, QuestionRow, ReaderSetRow
from answerloop.errors import ArchiveRefused
from answerloop.testing.past_state import House, every_line, paint_files, paint_state
from answerloop.testing.servers import PostgresServer

pytestmark = pytest.mark.stack


@pytest.fixture
def embedded(tmp_path) -> Iterator[House]:
    house = House(tmp_path / "embedded")
    house.database.migrate()
    paint_state(house.database)
    paint_files(house.state)
    yield house
    house.database.dispose()


@pytest.fixture
def production(tmp_path, postgres: PostgresServer) -> Iterator[House]:
    house = House(tmp_path / "production", database_url=postgres.empty_database())
    yield house
    house.database.dispose()


def test_there_and_back_every_row_and_every_file_is_as_it_was(embedded, production, tmp_path):
    rows, kept = every_line(embedded.database), embedded.files()
    assert all(rows.values())
    out = embedded.leave(tmp_path / "out.tar")
    production.arrive(tmp_path / "out.tar")
    assert (every_line(production.database), production.files()) == (rows, kept)

    back = production.leave(tmp_path / "back.tar")
    assert [(table.name, table.rows, table.sha256) for table in back.tables] == [
        (table.name, table.rows, table.sha256) for table in out.tables
    ]
    home = House(tmp_path / "home")
    home.arrive(tmp_path / "back.tar")
    assert (every_line(home.database), home.files()) == (rows, kept)
    home.database.dispose()


def test_numbers_go_on_after_the_last_one(embedded, production, tmp_path):
    embedded.leave(tmp_path / "out.tar")
    production.arrive(tmp_path / "out.tar")
    with production.database.writing() as session:
        last = max(row.id for row in session.query(ReaderSetRow))
        session.add(ReaderSetRow(tenant="default", key="k", groups=[]))
        session.flush()
        assert max(row.id for row in session.query(ReaderSetRow)) == last + 1


def test_a_server_with_another_clock_and_another_alphabet_gives_the_same_lines(embedded, production, tmp_path):
    embedded.leave(tmp_path / "out.tar")
    production.arrive(tmp_path / "out.tar")
    before = every_line(production.database)
    with production.database.engine.begin() as connection:
        name = production.database.engine.url.database
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'")
    production.database.engine.dispose()
    assert every_line(production.database) == before


def test_what_only_sqlite_can_hold_is_said(embedded, production, tmp_path):
    with embedded.database.writing() as session:
        document = session.query(DocumentRow).first()
        document.text, document.supersedes = "a\0b", "\0"
    embedded.leave(tmp_path / "out.tar")
    assert production.arrive(tmp_path / "out.tar").replaced == 2
    with production.database.reading() as session:
        assert session.get_one(DocumentRow, document.id).text == "a\ufffdb"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("title", "x" * 121, r"A row of conversations is none: title has 121 characters, this database takes 120")],
)
def test_what_does_not_fit_leaves_the_target_empty(embedded, production, tmp_path, column, value, said):
    with embedded.database.writing() as session:
        setattr(session.query(ConversationRow).first(), column, value)
    embedded.leave(tmp_path / "out.tar")
    with pytest.raises(ArchiveRefused, match=said):
        production.arrive(tmp_path / "out.tar")
    assert production.is_empty()


def test_a_backup_of_postgresql_is_of_one_moment(embedded, production, tmp_path: Path):
    embedded.leave(tmp_path / "out.tar")
    production.arrive(tmp_path / "out.tar")
    before = every_line(production.database)

    def write(_done: int, _total: int, table: str) -> None:
        if table == "answers":
            with production.database.writing() as session:
                session.query(QuestionRow).filter(QuestionRow.state == "pending").one().text = "changed"

    production.leave(tmp_path / "backup.tar", live=True, progress=write)
    restored = House(tmp_path / "restored")
    restored.arrive(tmp_path / "backup.tar")
    assert every_line(restored.database) == before
    restored.database.dispose()
