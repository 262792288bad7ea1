"""Jobs on their way to the broker, behind the back of whoever wrote them."""

import threading
import time

import pytest
from sqlalchemy import func, select

from answerloop.db import outbox
from answerloop.db.courier import Courier
from answerloop.db.tables import OutboxRow
from answerloop.ports import Job
from answerloop.tasks import answer_question
from answerloop.testing.fakes import FakeTaskQueue


class SlowQueue(FakeTaskQueue):
    """Takes nothing until `opened` is set, and fails once, as nobody has foreseen, over a job with these arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.stumbles_over: tuple[str, ...] = ()

    def send(self, job: Job) -> None:
        assert self.opened.wait(10)
        if job.args == self.stumbles_over:
            self.stumbles_over = ()
            raise ZeroDivisionError
        super().send(job)


@pytest.fixture
def queue():
    return SlowQueue()


@pytest.fixture
def courier(database, queue):
    courier = Courier(database, queue)
    courier.start()
    yield courier
    queue.opened.set()
    courier.stop()


def written(database, *names):
    with database.writing() as session:
        return [outbox.write(session, answer_question(name)) for name in names]


def waiting(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(OutboxRow))


def test_nobody_waits_for_a_slow_broker_and_everything_arrives(courier, queue, database):
    for name in "abc":
        courier.post(written(database, name))
    assert queue.jobs == []
    queue.opened.set()
    courier.stop()
    assert [job.args for job in queue.jobs] == [("a",), ("b",), ("c",)]
    assert waiting(database) == 0


def test_what_a_broker_that_is_down_does_not_take_stays_in_the_outbox(courier, queue, database):
    queue.opened.set()
    queue.down = True
    courier.post(written(database, "a", "b"))
    courier.stop()
    assert waiting(database) == 2


def test_a_courier_that_stumbles_goes_on(courier, queue, database):
    queue.stumbles_over = ("a",)
    courier.post(written(database, "a"))
    queue.opened.set()
    while queue.stumbles_over:
        time.sleep(0.01)
    courier.post(written(database, "b"))
    courier.stop()
    assert [job.args for job in queue.jobs] == [("b",)]
    assert waiting(database) == 1, "the first is left to the sweep"


def test_a_courier_that_stumbles_over_the_database_goes_on(courier, queue, database, monkeypatch):
    struck_out, failures = outbox.strike_out, [ZeroDivisionError()]

    def stumbles(*given):
        if failures:
            raise failures.pop()
        struck_out(*given)

    monkeypatch.setattr(outbox, "strike_out", stumbles)
    queue.opened.set()
    courier.post(written(database, "a"))
    while failures:
        time.sleep(0.01)
    courier.post(written(database, "b"))
    courier.stop()
    assert [job.args for job in queue.jobs] == [("a",), ("b",)]
    assert waiting(database) == 1, "the first is sent twice"
