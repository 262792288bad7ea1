"""What the code relies on and PostgreSQL does otherwise than SQLite unless it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from answerloop.db.audit_tables import BookmarkRow
from answerloop.db.session import Database, Deadlock, DuplicateKey
from answerloop.db.tables import SignInStateRow
from answerloop.errors import DatabaseUnavailable
from answerloop.testing.servers import PostgresServer

pytestmark = pytest.mark.stack


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.dispose()


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(SignInStateRow)) or 0


def test_many_programs_that_migrate_at_once_do_it_once(postgres):
    url = postgres.empty_database()
    programs = [Database(url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(Database.migrate, programs))
    for program in programs:
        program.check()
        program.dispose()


def test_who_reads_sees_one_moment(database):
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SignInStateRow)) == 0
        with database.writing() as other:
            other.add(SignInStateRow(state="new"))
        assert session.scalar(select(func.count()).select_from(SignInStateRow)) == 0
    assert count(database) == 1


def test_what_is_read_and_written_back_loses_no_change(database):
    with database.writing() as session:
        session.add(BookmarkRow(name="counter", details={"n": 0}))

    def add_one(_: int) -> None:
        with database.writing() as session:
            row = session.get_one(BookmarkRow, "counter")
            row.details = {"n": row.details["n"] + 1}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    with database.reading() as session:
        assert session.get_one(BookmarkRow, "counter").details == {"n": 40}


def test_those_who_lock_their_rows_write_at_the_same_time_and_others_wait_for_them(database):
    both_are_in, order = threading.Barrier(2, timeout=10), []

    def beside(name: str) -> None:
        with database.writing(beside_others=True) as session:
            session.execute(insert(SignInStateRow).values(state=name))
            both_are_in.wait()
            if name == "first":
                alone.start()
                alone.join(0.3)
            order.append(name)

    def writes_alone() -> None:
        with database.writing():
            order.append("alone")

    alone = threading.Thread(target=writes_alone)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(beside, ("first", "second")))
    alone.join(10)
    assert sorted(order[:2]) == ["first", "second"]
    assert order[2:] == ["alone"]


def test_of_two_who_wait_for_each_other_one_is_told_so(database):
    with database.writing() as session:
        session.add_all([SignInStateRow(state="a"), SignInStateRow(state="b")])
    both_hold_one = threading.Barrier(2, timeout=10)

    def lock(states: str) -> bool:
        try:
            with database.writing(beside_others=True) as session:
                for state in states:
                    session.scalars(select(SignInStateRow).where(SignInStateRow.state == state).with_for_update()).one()
                    if state == states[0]:
                        both_hold_one.wait()
        except Deadlock:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lock, ("ab", "ba"))) == [False, True]


def test_a_text_with_a_nul_is_stored_without_it(database):
    with database.writing() as session:
        session.add(BookmarkRow(name="nul", position="be\0fore", details={"text": "be\0fore"}))
        session.execute(insert(SignInStateRow), [{"state": "a\0"}, {"state": "b\0"}])
    with database.reading() as session:
        row = session.get_one(BookmarkRow, "nul")
        assert (row.position, row.details) == ("be\ufffdfore", {"text": "be\0fore"})
        assert set(session.scalars(select(SignInStateRow.state))) == {"a\ufffd", "b\ufffd"}


def test_an_error_tells_nothing_of_the_row(database):
    for statement, kind in (
        ("INSERT INTO bookmarks (name, position) VALUES (:secret, :secret)", DBAPIError),  # details must not be null
        ("INSERT INTO sign_in_states VALUES (:secret, now()), (:secret, now())", DuplicateKey),
    ):
        with pytest.raises(kind) as caught, database.writing() as session:
            session.execute(text(statement), {"secret": "WHO ASKED WHAT"})
        error: BaseException | None = caught.value
        while error is not None:
            assert "WHO ASKED WHAT" not in str(error)
            error = error.__cause__


def test_a_server_that_is_away_is_said_to_be_and_comes_back_by_itself():
    with PostgresServer() as server:
        database = Database(server.empty_database())
        database.migrate()
        server.crash()
        with pytest.raises(DatabaseUnavailable):
            count(database)
        server.start()
        assert count(database) == 0
        database.dispose()
