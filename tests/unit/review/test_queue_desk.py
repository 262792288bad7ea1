"""The jobs of the review queue do nothing where there is none, and wait where it is down."""

from threading import Event, Thread

import pytest

from answerloop.auditing import AuditState
from answerloop.errors import ReviewQueueRefused
from answerloop.label_studio import Access
from review.queue_desk import QueueDesk
from tests.unit.review.audit_kit import Office

HERE, THERE = Access("http://127.0.0.1:1", "t", "s"), Access("http://127.0.0.1:2", "t", "s")


@pytest.fixture
def office(database) -> Office:
    return Office(database)


class Door:
    def __init__(self, office: Office) -> None:
        self.access: Access | None = HERE
        self.built: list[Access] = []
        self._office = office
        self.desk = QueueDesk(office.database, lambda: self.access, self._build)

    def _build(self, access: Access):
        self.built.append(access)
        return self._office.another_loop()


@pytest.fixture
def door(office) -> Door:
    return Door(office)


def test_nothing_is_built_before_there_is_a_server_and_something_to_push(door, office):
    door.desk.push()
    audit = office.audit()
    door.access = None
    for step in (door.desk.push, door.desk.pull, door.desk.sweep):
        step()
    assert door.built == []
    door.access = HERE
    door.desk.push()
    assert office.state(audit) is AuditState.OUT


def test_a_server_that_moved_is_found_again(door, office):
    office.audit()
    door.desk.push()
    door.desk.pull()
    door.access = THERE
    door.desk.pull()
    assert door.built == [HERE, THERE]


class Slow:
    """A loop whose pull waits until it is told to go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = Event(), Event()
        self.order: list[str] = []

    def pull(self) -> int:
        self.begun.set()
        self.go_on.wait(20)
        self.order.append("pull")
        return 0

    def push(self) -> int:
        self.order.append("push")
        return 0


def test_a_push_that_is_due_while_something_is_read_comes_after_it_and_is_not_lost(office):
    office.audit()
    slow = Slow()
    desk = QueueDesk(office.database, lambda: HERE, lambda _: slow)
    threads = [Thread(target=desk.pull), Thread(target=desk.push)]
    threads[0].start()
    assert slow.begun.wait(20)
    threads[1].start()
    slow.go_on.set()
    for thread in threads:
        thread.join(20)
    assert slow.order == ["pull", "push"]


def test_a_queue_that_is_down_or_refuses_us_makes_no_noise_and_alarms_the_operator(door, office, monkeypatch):
    audit = office.audit()
    office.reviews.down = True
    door.desk.push()
    assert office.state(audit) is AuditState.WAITING
    office.reviews.down = False

    def refuse(_: object) -> None:
        raise ReviewQueueRefused("Label Studio does not know our token (401).")

    monkeypatch.setattr(office.reviews, "open", refuse)
    door.desk.push()
    assert office.alarms() == {"review.down"}
    monkeypatch.undo()
    door.desk.push()
    assert (office.state(audit), office.alarms()) == (AuditState.OUT, set())
