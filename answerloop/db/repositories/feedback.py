"""What people think of answers."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from answerloop.db.tables import FeedbackRow
from answerloop.domain import FeedbackReason, Thumb


def give(
    session: Session,
    answer_id: str,
    person: str,
    thumb: Thumb | None,
    reason: FeedbackReason | None,
    correction: str | None,
) -> None:
    """Once per person and answer; a second time changes the first. A bare thumb leaves a better answer that was written
    before, and the reason for the same thumb."""
    row = session.scalar(select(FeedbackRow).where(FeedbackRow.answer_id == answer_id, FeedbackRow.person == person))
    if row is None:
        row = FeedbackRow(answer_id=answer_id, person=person)
        session.add(row)
    if reason is not None or correction is not None:
        row.reason, row.correction = reason, correction
    elif row.thumb != thumb:
        row.reason = None
    row.thumb = thumb


def add(
    session: Session,
    answer_id: str,
    person: str,
    *,
    thumb: Thumb | None = None,
    reason: FeedbackReason | None = None,
    correction: str | None = None,
) -> None:
    """Beside what this person has said already; only the reason of another thumb goes."""
    row = session.scalar(select(FeedbackRow).where(FeedbackRow.answer_id == answer_id, FeedbackRow.person == person))
    if row is None:
        give(session, answer_id, person, thumb, reason, correction)
        return
    if thumb is not None and thumb != row.thumb:
        row.thumb, row.reason = thumb, None
    row.reason, row.correction = reason or row.reason, correction or row.correction


def thumb_of(session: Session, answer_id: str, person: str) -> Thumb | None:
    thumb = session.scalar(
        select(FeedbackRow.thumb).where(FeedbackRow.answer_id == answer_id, FeedbackRow.person == person)
    )
    return Thumb(thumb) if thumb else None


def take_back(session: Session, answer_id: str, person: str, thumb: Thumb) -> None:
    """Forget a bare thumb; one with a reason or a better answer stays."""
    session.execute(
        delete(FeedbackRow)
        .where(FeedbackRow.answer_id == answer_id, FeedbackRow.person == person, FeedbackRow.thumb == thumb)
        .where(FeedbackRow.reason.is_(None), FeedbackRow.correction.is_(None))
    )
