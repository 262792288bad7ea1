from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from answerloop.auditing import AuditState, CorrectionState, Priority, Verdict
from answerloop.db.audit_tables import AlarmRow, CuratedRow
from answerloop.db.repositories import figures
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, EscalationRow, FeedbackRow
from answerloop.domain import Outcome, Thumb
from answerloop.testing.past import Happened, audit, correction, happen, judge, sample
from answerloop.value import Kind

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
MONDAY = NOW - timedelta(days=7) + timedelta(hours=1)


def test_every_question_comes_with_what_became_of_it(database: Database):
    with database.writing() as session:
        question, answer = happen(session, Happened("How?", MONDAY, seconds=2.5, channel="slack"))
        session.add(FeedbackRow(answer_id=answer, person="ada", thumb=Thumb.DOWN))
        session.add(FeedbackRow(answer_id=answer, person="bob", thumb=Thumb.DOWN))
        session.add(FeedbackRow(answer_id=answer, person="cem", thumb=Thumb.UP))
        session.add(EscalationRow(question_id=question, asked_by="ada"))
        sample(session, answer, MONDAY, topic="it", probability=1, chosen=False)
        better = correction(session, answer, "How?", "So.", CorrectionState.APPROVED)
        happen(session, Happened("How so?", MONDAY + timedelta(hours=1), correction_id=better))
        happen(session, Happened("Why?", MONDAY + timedelta(hours=2), outcome=Outcome.ABSTAINED))
        happen(session, Happened("Too early?", NOW - WEEK - timedelta(hours=1)))
        happen(session, Happened("Elsewhere?", MONDAY), tenant="other")
    with database.reading() as session:
        first, curated, unknown = figures.asked(session, "default", NOW - WEEK, NOW)
    assert (first.seconds, first.channel, first.topic) == (2.5, "slack", "it")
    assert (first.ups, first.downs, first.human, first.kind) == (1, 2, True, Kind.ANSWERED)
    assert (curated.kind, curated.topic) == (Kind.CURATED, "general")
    assert unknown.kind is Kind.ABSTAINED


def test_an_answer_that_was_corrected_in_its_thread_is_no_curated_one(database: Database):
    with database.writing() as session:
        _, answer = happen(session, Happened("How?", MONDAY))
        better = correction(session, answer, "How?", "So.", CorrectionState.APPROVED)
        session.get_one(AnswerRow, answer).correction_id = better
    with database.reading() as session:
        [only] = figures.asked(session, "default", NOW - WEEK, NOW)
    assert only.kind is Kind.ANSWERED


def test_only_people_with_several_questions_are_looked_at_for_repetitions(database: Database):
    with database.writing() as session:
        for number, asker in enumerate(("ada", "ada", "bob")):
            happen(session, Happened("How?", MONDAY + timedelta(hours=number), asker=asker, vector=[1.0, 0.0]))
    with database.reading() as session:
        assert [each.asker for each in figures.said(session, "default", NOW - WEEK, NOW)] == ["ada", "ada"]


def test_the_queue_is_counted_with_the_age_of_the_oldest(database: Database):
    with database.writing() as session:
        for number, (state, columns) in enumerate(
            [
                (AuditState.WAITING, {"in_house": True, "priority": Priority.URGENT}),
                (AuditState.OUT, {}),
                (AuditState.CONFLICT, {"failure": "refused"}),
                (AuditState.JUDGED, {"in_house": True}),
            ]
        ):
            _, answer = happen(session, Happened("How?", MONDAY))
            audit(session, answer, NOW - timedelta(hours=number), state, **columns)
    with database.reading() as session:
        queue = figures.queue(session, "default")
        assert figures.queue(session, "other").open == 0
    assert (queue.open, queue.in_house, queue.urgent, queue.failures) == (3, 1, 1, 1)
    assert queue.oldest == NOW - timedelta(hours=2)


def test_an_open_page_is_no_work_and_judging_is_measured_in_its_week(database: Database):
    with database.writing() as session:
        _, answer = happen(session, Happened("How?", MONDAY))
        case = audit(session, answer, MONDAY, AuditState.JUDGED)
        judge(session, case, "lena", Verdict.CORRECT, MONDAY, lead_seconds=40.0)
        judge(session, case, "omar", Verdict.CORRECT, MONDAY, lead_seconds=9000.0)
        judge(session, case, "pia", Verdict.CORRECT, MONDAY - WEEK, lead_seconds=100.0)
        judge(session, case, "qi", Verdict.CORRECT, MONDAY)
    with database.reading() as session:
        assert figures.review_seconds(session, NOW - WEEK, NOW) == pytest.approx(40 + 900)


def test_corrections_are_counted_with_how_often_they_were_given(database: Database):
    with database.writing() as session:
        _, answer = happen(session, Happened("How?", MONDAY))
        for served, gone in ((3, None), (4, NOW)):
            better = correction(session, answer, "How?", "So.", CorrectionState.APPROVED)
            session.add(
                CuratedRow(
                    correction_id=better, tenant="default", question="How?", text="So.", documents={},
                    expires_at=NOW, served=served, withdrawn_at=gone,
                )
            )  # fmt: skip
    with database.reading() as session:
        counted = figures.corrections(session, "default")
    assert (counted.in_force, counted.served, counted.states[CorrectionState.APPROVED]) == (1, 7, 2)


def test_alarms_that_ring_come_first_and_old_ones_go(database: Database):
    with database.writing() as session:
        for key, cleared in (("rings", None), ("cleared", NOW - timedelta(days=1)), ("old", NOW - timedelta(days=30))):
            session.add(AlarmRow(key=key, kind="k", text=key, seen_at=NOW, cleared_at=cleared))
    with database.reading() as session:
        assert [alarm.key for alarm in figures.alarms(session, WEEK, NOW)] == ["rings", "cleared"]
