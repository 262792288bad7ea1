"""Approved answers do not outlive what they stand on, nor their time."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from answerloop.auditing import AuditState, CorrectionState, Withdrawal
from answerloop.db.audit_tables import AlarmRow, AuditRow, CorrectionRow, CuratedRow
from answerloop.db.repositories import alarms, corrections
from answerloop.db.tables import AnswerRow, DocumentRow, now
from tests.unit.review.correction_kit import LEAVE, Desk
from workers.answering.curated_upkeep import CuratedUpkeep


class Kept(Desk):
    """A correction in force."""

    def __init__(self, database):
        super().__init__(database)
        self.upkeep = CuratedUpkeep(database, self.queue)
        self.answer = self.answered()
        self.audit_id = self.audit(self.answer)
        self.says(self.audit_id)

    def expires_in(self, days):
        with self.database.writing() as session:
            session.execute(update(CuratedRow).values(expires_at=now() + timedelta(days=days)))

    def change(self, **values):
        with self.database.writing() as session:
            changed = {"indexed_at": now() + timedelta(seconds=1), **values}
            session.execute(update(DocumentRow).where(DocumentRow.id == self.leave).values(**changed))

    def alarm_kinds(self):
        with self.database.reading() as session:
            return sorted(row.kind for row in session.scalars(select(AlarmRow)) if row.cleared_at is None)


@pytest.fixture
def kept(database):
    return Kept(database)


def test_as_long_as_nothing_has_changed_nothing_happens(kept):
    assert kept.upkeep.run() == 0
    kept.change(content_hash="another embedder")
    assert kept.upkeep.run() == 0
    assert len(kept.in_force()) == 1
    assert kept.alarm_kinds() == []


@pytest.mark.parametrize("values", [{"text": LEAVE.replace("90", "95")}, {"superseded": True}, {"title": "New"}])
def test_a_changed_document_withdraws_it_and_has_it_judged_anew(kept, values):
    assert kept.upkeep.run() == 0
    kept.change(**values)
    assert kept.upkeep.run() == 1
    row = kept.only()
    assert (row.state, row.withdrawn_because) == (CorrectionState.WITHDRAWN, Withdrawal.SOURCE)
    assert kept.in_force() == []
    audit = kept.audit_row(kept.audit_id)
    assert (audit.state, audit.in_house, audit.verdict) == (AuditState.WAITING, True, None)
    assert kept.alarm_kinds() == ["curated_changed"]
    assert kept.upkeep.run() == 0


def test_a_deleted_document_does_too(kept):
    with kept.database.writing() as session:
        session.delete(session.get_one(DocumentRow, kept.leave))
    assert kept.upkeep.run() == 1


def test_old_verdicts_do_not_bring_it_back(kept):
    kept.change(superseded=True)
    kept.upkeep.run()
    kept.change(superseded=False)
    kept.corrections.judge(kept.audit_id)
    assert kept.states() == [CorrectionState.WITHDRAWN]


def test_reviewers_are_warned_once_before_its_time_is_over(kept):
    kept.expires_in(15)
    kept.upkeep.run()
    assert kept.alarm_kinds() == []
    kept.expires_in(13)
    kept.upkeep.run()
    assert kept.alarm_kinds() == ["curated_expiring"]
    with kept.database.writing() as session:
        alarms.clear(session, f"curated_expiring:{kept.only().id}", "ann")
    kept.upkeep.run()
    assert kept.alarm_kinds() == []
    assert len(kept.in_force()) == 1


def test_after_its_time_it_is_withdrawn_and_judged_anew(kept):
    kept.expires_in(1)
    kept.upkeep.run()
    kept.expires_in(-1)
    assert kept.upkeep.run() == 1
    assert kept.only().withdrawn_because == Withdrawal.EXPIRED
    assert kept.alarm_kinds() == ["curated_expired"]
    assert kept.audit_row(kept.audit_id).reopened_at is not None


def test_alarms_do_not_quote_the_question(kept):
    kept.change(superseded=True)
    kept.upkeep.run()
    (alarm,) = kept.alarms()
    assert "parental" not in alarm.text
    assert kept.only().id[:8] in alarm.text


def test_an_audit_that_nobody_judges_any_more_stays_closed(kept):
    with kept.database.writing() as session:
        session.execute(update(AuditRow).values(state=AuditState.CLOSED))
    kept.change(superseded=True)
    assert kept.upkeep.run() == 1
    assert kept.audit_row(kept.audit_id).state == AuditState.CLOSED


def test_unchanged_documents_are_not_read_again(kept):
    kept.upkeep.run()
    with kept.database.writing() as session:  # without a change that the indexer would have left
        session.execute(update(DocumentRow).where(DocumentRow.id == kept.leave).values(text="x"))
    assert kept.upkeep.run() == 0
    assert CuratedUpkeep(kept.database, kept.queue).run() == 1


def test_the_reason_stands_where_reviewers_look(kept):
    kept.change(superseded=True)
    kept.upkeep.run()
    with kept.database.reading() as session:
        assert "document" in session.scalars(select(CorrectionRow.reason)).one()


def test_an_answer_whose_job_was_lost_is_put_right_later(kept):
    kept.corrected()
    kept.upkeep.run()
    assert kept.corrected() == 0  # its own job may still be on its way
    with kept.database.writing() as session:
        session.execute(update(CuratedRow).values(in_force_at=now() - timedelta(minutes=5)))
    kept.upkeep.run()
    assert kept.corrected() == 1
    with kept.database.writing() as session:
        session.execute(update(AnswerRow).values(correction_id=kept.only().id))
    kept.upkeep.run()
    assert kept.corrected() == 0


def test_one_that_was_taken_back_and_still_stands_there_is_found_too(kept):
    with kept.database.writing() as session:
        session.execute(update(AnswerRow).values(correction_id=kept.only().id))
        corrections.withdraw(session, kept.only().id, Withdrawal.TAKEN_BACK, "")
        session.flush()
        session.execute(update(CorrectionRow).values(updated_at=now() - timedelta(minutes=5)))
    kept.corrected()
    kept.upkeep.run()
    assert kept.corrected() == 1


def test_a_broker_that_is_down_harms_nothing(kept):
    with kept.database.writing() as session:
        session.execute(update(CuratedRow).values(in_force_at=now() - timedelta(minutes=5)))
    kept.queue.down = True
    assert kept.upkeep.run() == 0
