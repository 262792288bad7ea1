"""What goes out to reviewers: once, the most urgent first, and nothing that they may not see."""

from datetime import timedelta

import pytest

from answerloop.auditing import AuditState, Priority
from answerloop.db.audit_tables import AuditRow, CorrectionRow
from answerloop.db.repositories import audit_pushes
from answerloop.db.tables import AnswerRow, FeedbackRow, now
from answerloop.errors import ReviewQueueUnavailable
from answerloop.testing.fakes import FakeRedactor
from review.audit import ARRIVES_WITHIN, TOLD_AFTER
from tests.unit.review.audit_kit import Office


@pytest.fixture
def office(database) -> Office:
    return Office(database)


def test_what_waits_is_pushed_once(office):
    audits = [office.audit() for _ in range(3)]
    assert office.loop.push() == 3
    assert office.another_loop().push() == 0
    assert sorted(office.reviews.tasks().values()) == sorted(audits)
    assert {office.state(audit) for audit in audits} == {AuditState.OUT}
    assert office.reviews.tasks()[office.task(audits[0])] == audits[0]


def test_the_most_urgent_goes_first(office):
    order = [Priority.SAMPLE, Priority.URGENT, Priority.CANARY, Priority.FLAGGED]
    audits = {priority: office.audit(priority=priority) for priority in order}
    office.loop.push()
    assert list(office.reviews.tasks().values()) == [audits[priority] for priority in Priority]


def test_only_masked_text_leaves_the_house(office):
    audit = office.audit(said=("Finn says that Dana Reyes has 90 days.",))
    office.loop.push()
    task = office.reviews.shown(office.task(audit))
    assert task.question == "<PERSON_1> asks: how many?"
    assert task.answer == "60 days, says <PERSON_1>."
    assert task.said == ("Thumb down — Better: <PERSON_2> says that <PERSON_1> has 90 days.",)
    assert task.suggestion == "<PERSON_2> says that <PERSON_1> has 90 days."


def test_without_a_better_answer_the_box_holds_the_answer_itself(office):
    audit = office.audit()
    office.loop.push()
    assert office.reviews.shown(office.task(audit)).suggestion == "60 days, says <PERSON_1>."


def say(office, audit, person, **said):
    with office.database.writing() as session:
        answer = session.get_one(AuditRow, audit).answer_id
        session.add(FeedbackRow(answer_id=answer, person=person, thumb="down", **said))
    return answer


def test_what_is_one_of_many_alike_is_marked_and_filled_in_for_nobody(office):
    audit = office.audit()
    say(office, audit, "p1", correction="10 days.", burst="suggestions:1")
    say(office, audit, "p2", correction="90 days.", updated_at=now() - timedelta(hours=1))
    office.loop.push()
    task = office.reviews.shown(office.task(audit))
    assert task.suggestion == "90 days."
    assert [audit_pushes.ONE_OF_MANY in line for line in task.said] == [False, True]


def test_reviewers_see_in_whose_words_it_was_wrong_and_where_it_is_written_masked(office):
    audit = office.audit()
    say(office, audit, "p1", comment="Dana Reyes left.", source="Ask Finn")
    office.loop.push()
    [line] = office.reviews.shown(office.task(audit)).said
    assert line == "Thumb down — “<PERSON_1> left.” — Source: Ask <PERSON_2>"


def test_a_proposed_correction_is_filled_in_as_it_was_masked(office):
    audit = office.audit()
    answer = say(office, audit, "p1", correction="Dana Reyes has 90 days.")
    with office.database.writing() as session:
        session.add(
            CorrectionRow(
                answer_id=answer, tenant="default", question="q", text="<PERSON_1> has 90 days.", suggested_by="p1",
                suggested_via="form", state="proposed",
            )
        )  # fmt: skip
    office.loop.push()
    assert office.reviews.shown(office.task(audit)).suggestion == "<PERSON_1> has 90 days."


def test_what_could_not_be_masked_stays_in_house(office):
    audit = office.audit()
    with office.database.writing() as session:
        session.get_one(AnswerRow, office.row(audit).answer_id).masked_text = None
    other = office.audit(said=("Better so",))
    office.redactor = FakeRedactor(failure=RuntimeError("no model"))
    assert office.another_loop().push() == 0
    assert [office.row(a).in_house for a in (audit, other)] == [True, True]
    assert office.reviews.tasks() == {}


def test_sources_are_looked_at_once_more_right_before_the_push(office):
    open_one, closed = office.audit(), office.audit()
    office.restrict_document_of(closed)
    office.loop.push()
    assert list(office.reviews.tasks().values()) == [open_one]
    assert (office.row(closed).in_house, office.state(closed)) == (True, AuditState.WAITING)


def test_what_only_the_reviewers_group_may_read_is_theirs_to_judge(office):
    audit = office.audit(allow=("reviewers",))
    office.loop.push()
    assert office.state(audit) is AuditState.OUT


def test_an_answer_that_was_taken_back_is_judged_by_nobody(office):
    audit = office.audit(retracted_at=now())
    office.loop.push()
    assert office.state(audit) is AuditState.CLOSED
    assert office.reviews.tasks() == {}


def test_in_house_is_never_pushed(office):
    audit = office.audit()
    with office.database.writing() as session:
        session.get_one(AuditRow, audit).in_house = True
    assert office.loop.push() == 0


@pytest.mark.parametrize("outcome", ["arrived", "lost"])
def test_a_push_that_broke_off_makes_no_twin(office, outcome, monkeypatch):
    audits = sorted(office.audit() for _ in range(3))
    office.reviews.break_push = outcome
    with pytest.raises(ReviewQueueUnavailable):
        office.loop.push()
    assert office.another_loop().push() == 0, "what was sent may still arrive"
    monkeypatch.setattr("review.audit.now", lambda: now() + ARRIVES_WITHIN * 1.1)
    office.another_loop().push()
    assert sorted(office.reviews.tasks().values()) == audits
    assert {office.state(audit) for audit in audits} == {AuditState.OUT}


def test_a_crash_between_the_push_and_its_row_makes_no_twin(office, monkeypatch):
    audit = office.audit()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("answerloop.db.repositories.audit_pushes.pushed", die)
        with pytest.raises(KeyboardInterrupt):
            office.loop.push()
    assert len(office.reviews.tasks()) == 1
    assert office.state(audit) is AuditState.WAITING
    office.another_loop().push()
    assert list(office.reviews.tasks()) == [office.task(audit)]


def test_two_processes_do_not_push_at_once(office):
    office.audit()
    second: list[object] = []
    push = office.reviews.push

    def meanwhile(project, tasks):
        second.append(office.another_loop().push())
        return push(project, tasks)

    office.reviews.push = meanwhile
    assert office.loop.push() == 1
    assert second == [None]


def test_one_task_that_is_refused_does_not_hold_up_the_others(office):
    bad, good = office.audit(), office.audit()
    office.reviews.refuses = {bad}
    for _ in range(3):
        office.another_loop().push()
    assert list(office.reviews.tasks().values()) == [good]
    assert (office.row(bad).in_house, office.row(bad).attempts) == (True, 3)
    assert office.alarms() == {"review.task-refused"}


def test_what_was_closed_while_it_was_pushed_is_taken_away_again(office):
    audit = office.audit()
    push = office.reviews.push

    def meanwhile(project, tasks):
        office.set_state(audit, AuditState.CLOSED)
        return push(project, tasks)

    office.reviews.push = meanwhile
    assert office.loop.push() == 0
    assert office.reviews.tasks() == {}


def test_while_the_queue_is_down_everything_waits_and_the_operator_hears_of_it_after_a_while(office, monkeypatch):
    audit = office.audit()
    office.reviews.down = True
    with pytest.raises(ReviewQueueUnavailable):
        office.loop.push()
    assert office.alarms() == set()
    with monkeypatch.context() as later:
        later.setattr("review.audit.now", lambda: now() + TOLD_AFTER * 1.1)
        with pytest.raises(ReviewQueueUnavailable):
            office.another_loop().pull()
    assert office.alarms() == {"review.down"}
    office.reviews.down = False
    office.another_loop().push()
    assert office.state(audit) is AuditState.OUT
    assert office.alarms() == set()
