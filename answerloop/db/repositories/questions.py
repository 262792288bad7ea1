"""Questions from intake to lease: who asked what, and which worker is on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from answerloop.db.repositories import documents
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    QuestionRow,
    new_id,
    now,
)
from answerloop.domain import Audience, Outcome, QuestionState, Stage, Turn

LOOKED_AFTER = timedelta(seconds=60)
"""A question that still waits after this long gets its job written again: the broker may have lost it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A question that this worker, and no other, may answer while its lease lasts."""

    question_id: str
    conversation_id: str
    token: str
    channel: str
    tenant: str
    asker: str
    text: str
    attempts: int
    created_at: datetime
    room: str | None = None
    sources: tuple[str, ...] = ()


def claim(session: Session, question_id: str, lease: timedelta) -> Claim | None:
    """Take the question, or None when it is done, cancelled, unknown or in another worker's hands."""
    token = new_id()
    taken = session.execute(
        update(QuestionRow)
        .where(QuestionRow.id == question_id, QuestionRow.state == QuestionState.PENDING)
        .values(
            state=QuestionState.ANSWERING,
            worker=token,
            lease_until=now() + lease,
            attempts=QuestionRow.attempts + 1,
        )
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        return None
    row = session.scalars(select(QuestionRow).where(QuestionRow.id == question_id)).one()
    return Claim(
        question_id=row.id,
        conversation_id=row.conversation_id,
        token=token,
        channel=row.channel,
        tenant=row.tenant,
        asker=row.asker,
        text=row.text,
        attempts=row.attempts,
        created_at=row.created_at,
        room=row.room,
        sources=tuple(row.sources),
    )


def renew(session: Session, claim: Claim, lease: timedelta) -> bool:
    """Prolong the lease; False when it was lost, and with it the right to write the answer."""
    kept = session.execute(
        update(QuestionRow)
        .where(QuestionRow.id == claim.question_id, QuestionRow.worker == claim.token)
        .where(QuestionRow.state == QuestionState.ANSWERING)
        .values(lease_until=now() + lease)
    )
    return kept.rowcount == 1  # type: ignore[attr-defined,no-any-return]


def release(session: Session, claim: Claim, wait: timedelta, *, counts: bool = True) -> None:
    """Give the question back untouched, for another attempt after this long, which `reopen` gives out. `counts`: this
    one was an attempt."""
    session.execute(
        update(QuestionRow)
        .where(QuestionRow.id == claim.question_id, QuestionRow.worker == claim.token)
        .where(QuestionRow.state == QuestionState.ANSWERING)
        .values(
            state=QuestionState.PENDING,
            worker=None,
            lease_until=now() + wait,
            attempts=QuestionRow.attempts - (0 if counts else 1),
        )
    )


def reopen(session: Session, limit: int = 100) -> dict[str, bool]:
    """Questions whose wait is over, or whose job or worker went missing (that is the value), open for the next worker;
    their jobs must be written anew."""
    rows = session.execute(
        select(QuestionRow.id, QuestionRow.state)
        .where(QuestionRow.state.in_([QuestionState.PENDING, QuestionState.ANSWERING]))
        .where(QuestionRow.lease_until < now())
        .order_by(QuestionRow.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(
        update(QuestionRow)
        .where(QuestionRow.id.in_([question_id for question_id, _ in rows]))
        .values(state=QuestionState.PENDING, worker=None, lease_until=now() + LOOKED_AFTER)
    )
    return {question_id: state == QuestionState.ANSWERING for question_id, state in rows}


def edit(session: Session, question_id: str, text: str) -> bool:
    """Ask it in other words, as long as it is not answered; whoever answers the old words loses the question."""
    changed = session.execute(
        update(QuestionRow)
        .where(QuestionRow.id == question_id, QuestionRow.text != text)
        .where(QuestionRow.state.in_([QuestionState.PENDING, QuestionState.ANSWERING]))
        .values(text=text, state=QuestionState.PENDING, worker=None, attempts=0, lease_until=now() + LOOKED_AFTER)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    answer = session.scalars(select(AnswerRow).where(AnswerRow.question_id == question_id)).one()
    answer.stage, answer.text, answer.sources, answer.revision = Stage.QUEUED, "", [], answer.revision + 1
    return True


def cancel(session: Session, question_id: str) -> bool:
    """Nobody wants the answer any more. False when it is there already."""
    cancelled = session.execute(
        update(QuestionRow)
        .where(QuestionRow.id == question_id)
        .where(QuestionRow.state.in_([QuestionState.PENDING, QuestionState.ANSWERING]))
        .values(state=QuestionState.CANCELLED, worker=None, lease_until=None)
    )
    return cancelled.rowcount == 1  # type: ignore[attr-defined,no-any-return]


def owner_of(session: Session, channel: str, key: str) -> str | None:
    """Who began the conversation; None when there is none."""
    return session.scalar(
        select(ConversationRow.owner).where(ConversationRow.channel == channel, ConversationRow.key == key)
    )


@dataclass(frozen=True, slots=True)
class Asked:
    question_id: str
    asker: str
    room: str | None


def last_answered(session: Session, channel: str, conversation_key: str) -> Asked | None:
    """The latest answered question of a conversation."""
    found = session.execute(
        select(QuestionRow.id, QuestionRow.asker, QuestionRow.room)
        .join(ConversationRow, QuestionRow.conversation_id == ConversationRow.id)
        .where(ConversationRow.channel == channel, ConversationRow.key == conversation_key)
        .where(QuestionRow.state == QuestionState.ANSWERED)
        .order_by(QuestionRow.created_at.desc())
        .limit(1)
    ).first()
    return Asked(found.id, found.asker, found.room) if found else None


def history(session: Session, claim: Claim, audience: Audience, turns: int) -> tuple[Turn, ...]:
    """The last answered turns of the same conversation by the same person, oldest first; where others read along, those
    of the same room alone. An answer that stood on a document which this audience may not read now is left out of its
    turn."""
    earlier = (
        select(QuestionRow.text, AnswerRow.id, AnswerRow.text)
        .join(AnswerRow, AnswerRow.question_id == QuestionRow.id)
        .where(QuestionRow.conversation_id == claim.conversation_id, QuestionRow.asker == claim.asker)
        .where(QuestionRow.created_at < claim.created_at, AnswerRow.outcome == Outcome.ANSWERED)
    )
    if claim.room is not None:
        earlier = earlier.where(QuestionRow.room == claim.room)
    rows = session.execute(earlier.order_by(QuestionRow.created_at.desc()).limit(turns)).all()
    cited = session.execute(
        select(AnswerSourceRow.answer_id, AnswerSourceRow.document_id).where(
            AnswerSourceRow.answer_id.in_([answer_id for _, answer_id, _ in rows]), AnswerSourceRow.cited
        )
    ).all()
    readable = documents.still_readable(session, audience, {document_id for _, document_id in cited})
    hidden = {answer_id for answer_id, document_id in cited if document_id not in readable}
    return tuple(Turn(text, "" if answer_id in hidden else answer) for text, answer_id, answer in reversed(rows))


def open_count(session: Session) -> tuple[int, float]:
    """Questions without an answer yet, and the age of the oldest in seconds."""
    count, oldest = session.execute(
        select(func.count(QuestionRow.id), func.min(QuestionRow.created_at)).where(
            QuestionRow.state.in_([QuestionState.PENDING, QuestionState.ANSWERING])
        )
    ).one()
    return count, (now() - oldest).total_seconds() if oldest else 0.0


def opened_since(session: Session, moment: datetime) -> int:
    """Questions without an answer that were asked since then."""
    waiting = select(func.count(QuestionRow.id)).where(
        QuestionRow.state.in_([QuestionState.PENDING, QuestionState.ANSWERING]), QuestionRow.created_at >= moment
    )
    return session.scalar(waiting) or 0


def ahead_of(session: Session, created_at: datetime) -> int:
    """Questions that wait in front of one asked at this time."""
    return (
        session.scalar(
            select(func.count(QuestionRow.id)).where(
                QuestionRow.state == QuestionState.PENDING, QuestionRow.created_at < created_at
            )
        )
        or 0
    )


def totals(session: Session) -> dict[tuple[str, str], int]:
    """How many questions, by channel and state."""
    rows = session.execute(
        select(QuestionRow.channel, QuestionRow.state, func.count()).group_by(QuestionRow.channel, QuestionRow.state)
    ).all()
    return {(channel, state): count for channel, state, count in rows}
