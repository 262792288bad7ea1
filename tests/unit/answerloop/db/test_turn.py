"""Writers of SQLite wait in line. Each `Database` here stands for a process."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import func, insert, select

from answerloop.db.session import Database
from answerloop.db.tables import SignInStateRow
from answerloop.db.turn import Turn
from answerloop.errors import DatabaseUnavailable

LONG_ENOUGH_TO_STAND_IN_LINE = 0.2


@pytest.fixture
def process(tmp_path):
    with ExitStack() as all_of_them:

        def starts(*, urgent=False, patience=10.0):
            turn = Turn(tmp_path / "test.db", patience, urgent=urgent)
            all_of_them.callback(turn.close)
            return turn

        yield starts


def test_one_at_a_time_however_many_threads_and_processes(database, database_url):
    others = [Database(database_url) for _ in range(3)]

    def write(number):
        with (database, *others)[number % 4].writing() as session:
            stored = session.scalar(select(func.count()).select_from(SignInStateRow))
            session.execute(insert(SignInStateRow).values(state=f"number {stored}"))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(write, range(60)))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SignInStateRow)) == 60
    for other in others:
        other.dispose()


def test_the_urgent_go_before_all_who_have_not_stepped_forward(process):
    order = []

    def writes(name, turn):
        with turn.taken():
            order.append(name)

    at_work, threads = process(), []
    with at_work.taken():
        for name, urgent in (("in front", False), ("urgent", True), ("behind", False)):
            threads.append(threading.Thread(target=writes, args=(name, process(urgent=urgent))))
            threads[-1].start()
            time.sleep(LONG_ENOUGH_TO_STAND_IN_LINE)
        assert order == []
    for thread in threads:
        thread.join(10)
    assert sorted(order[:2]) == ["in front", "urgent"]
    assert order[2] == "behind"


def test_whoever_fails_gives_the_turn_back(process):
    turn = process(patience=0.1)

    def fails():
        with turn.taken():
            raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fails()


def test_nobody_waits_for_ever_behind_a_thread_that_hangs(process):
    turn = process(patience=0.05)
    with ThreadPoolExecutor(1) as pool, turn.taken(), pytest.raises(DatabaseUnavailable):
        pool.submit(turn.taken().__enter__).result(10)
