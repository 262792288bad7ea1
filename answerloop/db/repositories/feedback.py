"""What people think of answers."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.db.tables import FeedbackRow
from answerloop.domain import FeedbackReason, Thumb


def give(
    session: Session,
    answer_id: str,
    person: str,
    thumb: Thumb,
    reason: FeedbackReason | None,
    correction: str | None,
) -> None:
    """Once per person and answer; a second time changes the first."""
    row = session.scalar(select(FeedbackRow).where(FeedbackRow.answer_id == answer_id, FeedbackRow.person == person))
    if row is None:
        row = FeedbackRow(answer_id=answer_id, person=person)
        session.add(row)
    row.thumb, row.reason, row.correction = thumb, reason, correction
