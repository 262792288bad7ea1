"""What people think of answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from answerloop.db.tables import FeedbackRow
from answerloop.domain import FeedbackReason, Opinion, Thumb, Via


def give(session: Session, answer_id: str, person: str, opinion: Opinion, via: Via) -> None:
    """Once per person and answer; a second time replaces the first."""
    row = _row(session, answer_id, person)
    if row is None:
        row = FeedbackRow(answer_id=answer_id, person=person)
        session.add(row)
    if row.correction != opinion.correction:
        row.burst = None
    row.thumb, row.reason, row.comment = opinion.thumb, opinion.reason, opinion.comment
    row.correction, row.source, row.via = opinion.correction, opinion.source, via
    session.flush()


def add(session: Session, answer_id: str, person: str, opinion: Opinion, via: Via) -> None:
    """Beside what this person has said already: what is empty leaves theirs, and only the reason of another thumb
    goes."""
    row = _row(session, answer_id, person)
    if row is None:
        give(session, answer_id, person, opinion, via)
        return
    said = _opinion(row)
    turned = opinion.thumb is not None and opinion.thumb != said.thumb
    together = Opinion(
        thumb=opinion.thumb or said.thumb,
        reason=opinion.reason or (None if turned else said.reason),
        comment=opinion.comment or said.comment,
        correction=opinion.correction or said.correction,
        source=opinion.source or said.source,
    )
    give(session, answer_id, person, together, via if opinion.thumb else Via(row.via))


def take_back(session: Session, answer_id: str, person: str, thumb: Thumb) -> None:
    """Forget a thumb that was given by a reaction; what else was said stays."""
    row = _row(session, answer_id, person)
    if row is None or row.thumb != thumb or row.via != Via.REACTION:
        return
    rest = replace(_opinion(row), thumb=None)
    if rest == Opinion():
        session.delete(row)
    else:
        give(session, answer_id, person, rest, Via.FORM)


def of_person(session: Session, answer_id: str, person: str) -> Opinion | None:
    row = _row(session, answer_id, person)
    return _opinion(row) if row else None


def of_answers(session: Session, answer_ids: Collection[str]) -> dict[tuple[str, str], Opinion]:
    """By answer and person."""
    rows = session.scalars(select(FeedbackRow).where(FeedbackRow.answer_id.in_(answer_ids)))
    return {(row.answer_id, row.person): _opinion(row) for row in rows}


def thumb_of(session: Session, answer_id: str, person: str) -> Thumb | None:
    said = of_person(session, answer_id, person)
    return said.thumb if said else None


def given_since(session: Session, person: str, since: datetime) -> int:
    """How many answers this person has begun to rate since then."""
    counted = select(func.count(FeedbackRow.id)).where(FeedbackRow.person == person, FeedbackRow.created_at > since)
    return session.scalar(counted) or 0


def _row(session: Session, answer_id: str, person: str) -> FeedbackRow | None:
    return session.scalar(select(FeedbackRow).where(FeedbackRow.answer_id == answer_id, FeedbackRow.person == person))


def _opinion(row: FeedbackRow) -> Opinion:
    return Opinion(
        Thumb(row.thumb) if row.thumb else None,
        FeedbackReason(row.reason) if row.reason else None,
        row.comment,
        row.correction,
        row.source,
    )


# --- better answers


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A better answer that somebody has written. One of a `burst` is not to be trusted unread."""

    id: str
    answer_id: str
    person: str
    text: str
    source: str | None
    burst: str | None
    written_at: datetime


def suggestions(session: Session, answer_id: str) -> list[Suggestion]:
    """Those for one answer, the latest first; whatever is of a burst comes last."""
    rows = session.scalars(
        select(FeedbackRow)
        .where(FeedbackRow.answer_id == answer_id, FeedbackRow.correction.is_not(None))
        .order_by(FeedbackRow.burst.is_not(None), FeedbackRow.updated_at.desc())
    )
    return [_suggestion(row) for row in rows]


def suggested_since(session: Session, since: datetime, limit: int) -> list[Suggestion]:
    """The latest first."""
    rows = session.scalars(
        select(FeedbackRow)
        .where(FeedbackRow.updated_at >= since, FeedbackRow.correction.is_not(None))
        .order_by(FeedbackRow.updated_at.desc())
        .limit(limit)
    )
    return [_suggestion(row) for row in rows]


def mark_burst(session: Session, suggestion_ids: Collection[str], burst: str) -> None:
    """What was said stays as old as it is."""
    session.execute(
        update(FeedbackRow)
        .where(FeedbackRow.id.in_(suggestion_ids))
        .values(burst=burst, updated_at=FeedbackRow.updated_at)
    )


def _suggestion(row: FeedbackRow) -> Suggestion:
    return Suggestion(row.id, row.answer_id, row.person, row.correction or "", row.source, row.burst, row.updated_at)
