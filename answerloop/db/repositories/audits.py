"""Answers that people are to judge."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from answerloop.auditing import AuditState, Priority
from answerloop.db.audit_tables import AuditRow
from answerloop.db.repositories import documents
from answerloop.db.tables import AnswerRow, QuestionRow
from answerloop.domain import EVERYONE, PUBLIC, Audience, QuestionState

OPEN = (AuditState.WAITING, AuditState.OUT, AuditState.CONFLICT)
URGENCY = {priority: place for place, priority in enumerate(Priority)}


def must_stay_in_house(session: Session, answer_id: str, reviewers_group: str) -> bool:
    """Whether it was not masked, or reviewers in general may not read one of its sources right now. A source that is
    gone may be read by nobody."""
    answer = session.get_one(AnswerRow, answer_id)
    if answer.masked_question is None or answer.masked_text is None:
        return True
    sources = {source.document_id for source in answer.sources}
    reviewers = Audience.of_person(answer.question.tenant, {reviewers_group, EVERYONE, PUBLIC})
    return not sources <= documents.still_readable(session, reviewers, sources).keys()


def open_audit(session: Session, answer_id: str, priority: Priority, *, in_house: bool, overlap: int) -> None:
    """Once for each answer; a second time it can only become more urgent, and only while it is not judged."""
    row = session.scalar(select(AuditRow).where(AuditRow.answer_id == answer_id))
    if row is None:
        session.add(AuditRow(answer_id=answer_id, priority=priority, in_house=in_house, overlap=overlap))
        session.flush()
    elif row.state in OPEN and URGENCY[priority] < URGENCY[Priority(row.priority)]:
        row.priority = priority


def retracted(session: Session, limit: int = 500) -> list[str]:
    """Open audits of answers that were taken back since."""
    return list(
        session.scalars(
            select(AuditRow.id)
            .join(AnswerRow, AnswerRow.id == AuditRow.answer_id)
            .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
            .where(AuditRow.state.in_(OPEN))
            .where(or_(AnswerRow.retracted_at.is_not(None), QuestionRow.state == QuestionState.CANCELLED))
            .limit(limit)
        )
    )


def close(session: Session, audit_id: str) -> None:
    """Nobody is to judge it any more. What was judged stays so."""
    row = session.get(AuditRow, audit_id, with_for_update=True)
    if row is not None and row.state in OPEN:
        row.state = AuditState.CLOSED
