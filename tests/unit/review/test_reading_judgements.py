"""What reviewers say arrives once, as they last said it, whatever happens to the queue meanwhile."""

from datetime import timedelta

import pytest

from answerloop.auditing import AuditState, Fault, Grounded, Verdict
from answerloop.db import outbox
from answerloop.db.audit_tables import AuditRow, ReviewerRow
from answerloop.db.repositories import corrections, verdicts
from answerloop.db.tables import now
from answerloop.testing.fake_review_queue import Opinion
from tests.unit.review.audit_kit import ANN, BEN, Office

RIGHT = Opinion()
WRONG = Opinion(Verdict.WRONG, Grounded.NOT, (Fault.OUTDATED,), "90 days.", (1,))


@pytest.fixture
def office(database) -> Office:
    return Office(database)


@pytest.fixture
def audit(office) -> str:
    audit = office.audit()
    office.loop.push()
    return audit


@pytest.fixture
def task(office, audit) -> str:
    return office.task(audit)


def test_a_judgement_becomes_a_verdict_and_a_job_once(office, audit, task):
    office.reviews.judge(task, ANN, WRONG)
    for _ in range(3):
        office.another_loop().pull()
    (verdict,) = office.verdicts(audit)
    assert (verdict.reviewer, verdict.verdict, verdict.grounded) == (ANN, "wrong", "not_grounded")
    assert (verdict.faults, verdict.correction, verdict.documents) == (["outdated"], "90 days.", [1])
    assert (verdict.lead_seconds, verdict.edited) == (12.5, True)
    assert office.judged() == [audit]


def test_a_change_is_taken_over_with_the_name_of_who_made_it(office, audit, task):
    office.reviews.judge(task, ANN, RIGHT)
    office.loop.pull()
    office.reviews.edit(task, BEN, WRONG)
    office.loop.pull()
    assert office.said(audit) == [(BEN, "wrong")]
    assert office.judged() == [audit, audit]


def test_what_is_taken_back_is_withdrawn(office, audit, task):
    office.reviews.judge(task, ANN, RIGHT)
    office.loop.pull()
    office.reviews.take_back(task)
    office.loop.pull()
    assert office.said(audit) == []
    assert office.judged() == [audit, audit]


def test_a_skip_is_no_verdict(office, audit, task):
    office.reviews.skip(task, ANN)
    office.loop.pull()
    assert office.said(audit) == []
    assert office.judged() == []


def test_what_says_only_half_of_it_is_no_verdict(office, audit, task):
    office.reviews.judge(task, ANN, Opinion(Verdict.WRONG, grounded=None))
    office.loop.pull()
    assert office.said(audit) == []


def test_somebody_who_judges_twice_is_heard_once(office, audit, task):
    office.reviews.judge(task, ANN, RIGHT)
    office.reviews.judge(task, BEN, RIGHT)
    office.reviews.judge(task, ANN, WRONG)
    office.loop.pull()
    assert office.said(audit) == [(ANN, "wrong"), (BEN, "correct")]


def test_an_account_that_calls_itself_as_a_reviewer_is_not_that_reviewer(office, audit, task, monkeypatch):
    monkeypatch.setattr(office.reviews, "account", lambda _: "account of Mallory")
    office.reviews.judge(task, ANN, RIGHT)
    office.loop.pull()
    ((reviewer, _),) = office.said(audit)
    assert reviewer == f"unknown account of Mallory {ANN}"


def test_a_reviewer_who_is_invited_later_is_known_then(office, audit, task):
    office.reviews.judge(task, "cleo@orrenby.example", RIGHT)
    office.loop.pull()
    with office.database.writing() as session:
        cleo = office.reviews.account("cleo@orrenby.example")
        session.add(ReviewerRow(id="cleo@orrenby.example", external_id=cleo))
    office.loop.sweep()
    assert office.said(audit) == [("cleo@orrenby.example", "correct")]
    assert office.judged() == [audit, audit]


def test_the_job_waits_in_the_outbox_while_the_broker_is_down(office, audit, task):
    office.reviews.judge(task, ANN, RIGHT)
    office.queue.down = True
    office.loop.pull()
    assert office.judged() == []
    office.queue.down = False
    with pytest.MonkeyPatch.context() as later:
        later.setattr(outbox, "now", lambda: now() + timedelta(minutes=1))
        outbox.sweep(office.database, office.queue)
    assert office.judged() == [audit]


def test_a_crash_before_the_commit_repeats_the_reading(office, audit, task, monkeypatch):
    office.reviews.judge(task, ANN, RIGHT)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("answerloop.db.repositories.judgements.take_over", die)
        with pytest.raises(KeyboardInterrupt):
            office.loop.pull()
    assert office.said(audit) == []
    office.another_loop().pull()
    assert office.said(audit) == [(ANN, "correct")]
    assert office.judged() == [audit]
    assert office.alarms() == set()


@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_clock_that_is_wrong_hides_nothing(database, skew):
    office = Office(database)
    office.reviews.skew = skew
    audits = [office.audit() for _ in range(5)]
    office.loop.push()
    for audit in audits:
        office.reviews.judge(office.task(audit), ANN, RIGHT)
        office.loop.pull()
    office.reviews.edit(office.task(audits[0]), BEN, WRONG)
    office.loop.pull()
    assert [office.said(audit) for audit in audits[1:]] == [[(ANN, "correct")]] * 4
    assert office.said(audits[0]) == [(BEN, "wrong")]


def test_a_clock_that_is_put_back_hides_nothing_for_longer_than_until_the_next_sweep(office, audit, task):
    office.reviews.judge(task, ANN, RIGHT)
    office.loop.pull()
    office.reviews.skew = timedelta(hours=-5)
    office.reviews.edit(task, ANN, WRONG)
    office.loop.sweep()
    assert office.said(audit) == [(ANN, "wrong")]


def test_a_clock_that_is_ahead_gives_no_weight_to_what_was_said_before_an_audit_was_opened_again(office, audit, task):
    office.reviews.skew = timedelta(hours=3)
    office.reviews.judge(task, ANN, RIGHT)
    office.loop.pull()
    with office.database.writing() as session:
        assert len(verdicts.current(session, audit)) == 1
        corrections.reopen(session, session.get_one(AuditRow, audit).answer_id)
        session.flush()
        assert verdicts.current(session, audit) == ()


def test_what_is_quiet_is_not_read_again_and_again(office, audit, task, monkeypatch):
    for _ in range(4):
        office.audit()
    office.loop.push()
    assert office.loop.pull() == 5
    monkeypatch.setattr("review.judgements_in.now", lambda: now() + timedelta(minutes=3))
    assert office.another_loop().pull() == 1


def test_a_late_change_with_an_earlier_time_is_seen(office, audit, task):
    office.loop.pull()
    office.reviews.skew = timedelta(seconds=-30)
    office.reviews.judge(task, ANN, RIGHT)
    office.loop.pull()
    assert office.said(audit) == [(ANN, "correct")]


def test_a_closed_audit_is_judged_no_more(office, audit, task):
    office.set_state(audit, AuditState.CLOSED)
    office.reviews.judge(task, ANN, RIGHT)
    office.loop.pull()
    office.loop.sweep()
    assert office.said(audit) == []
    assert office.reviews.tasks() == {}
