"""What the review worker does with each job, and what it does when it cannot."""

import pytest
from sqlalchemy import select

from answerloop.auditing import AuditState
from answerloop.db.audit_tables import AuditRow, GapReportRow
from answerloop.db.repositories import receipts
from answerloop.db.repositories.emptied import Erased
from answerloop.errors import GroundednessUnavailable
from answerloop.label_studio import Access
from answerloop.testing.fakes import FakeNotifier
from review.desk import ReviewDesk
from review.gaps import Gaps
from review.queue_desk import QueueDesk
from tests.unit.review.audit_kit import Office

HERE = Access("http://127.0.0.1:1", "t", "s")


class FakeJudge:
    def __init__(self) -> None:
        self.judged: list[str] = []
        self.fails = False

    def judge(self, audit_id: str) -> None:
        if self.fails:
            raise GroundednessUnavailable("no model")
        self.judged.append(audit_id)

    def catch_up(self) -> int:
        self.judge("left")
        return 1


@pytest.fixture
def office(database) -> Office:
    return Office(database)


@pytest.fixture
def judge() -> FakeJudge:
    return FakeJudge()


@pytest.fixture
def desk(office, judge) -> ReviewDesk:
    reviews = QueueDesk(office.database, lambda: HERE, lambda _: office.loop)
    return ReviewDesk(office.database, reviews, judge, Gaps(office.database, FakeNotifier(), "default"))


def erased(office, *tasks: tuple[str, str]) -> str:
    with office.database.writing() as session:
        for row in session.scalars(select(AuditRow)):
            row.state, row.project, row.task = AuditState.CLOSED, None, None
        return receipts.write(session, "person", "hash", Erased(tasks=set(tasks)), "ann").id


def test_tasks_about_what_was_erased_are_taken_away_and_the_receipt_says_so(office, desk):
    audit = office.audit()
    desk.push()
    row = office.row(audit)
    receipt = erased(office, (row.project, row.task))
    desk.withdraw(receipt)
    assert office.reviews.tasks() == {}
    with office.database.reading() as session:
        found = receipts.get(session, receipt)
        assert found is not None
        assert "tasks" not in found.unfinished
    desk.withdraw(receipt)


def test_while_the_queue_is_down_they_are_still_to_be_taken_away(office, desk):
    office.audit()
    desk.push()
    receipt = erased(office, ("1", "1"))
    office.reviews.down = True
    desk.withdraw(receipt)
    with office.database.reading() as session:
        assert receipts.tasks_to_withdraw(session, receipt) == [("1", "1")]


def test_verdicts_that_cannot_be_judged_now_wait_without_noise(desk, judge):
    judge.fails = True
    desk.judge("a1")
    desk.catch_up()
    judge.fails = False
    desk.judge("a1")
    desk.catch_up()
    assert judge.judged == ["a1", "left"]


def test_the_report_of_gaps_is_made_once_a_week(desk, office):
    desk.report_gaps()
    desk.report_gaps()
    with office.database.reading() as session:
        assert len(session.scalars(select(GapReportRow)).all()) == 1
