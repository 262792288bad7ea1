"""Where answers go, what is shown there, and what still has to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from answerloop.db.repositories import answers, escalations, posts, questions
from answerloop.db.tables import DeliveryRow, QuestionRow, now
from answerloop.domain import Action, Confidence, OutgoingMessage, Progress, QuestionState

NEWS_AFTER = timedelta(seconds=3)
"""Somebody who has waited this long is told how far their question is, again and again."""


@dataclass(frozen=True, slots=True)
class Due:
    """An answer that is to be shown, with whom and what it was for. `shown_before`: as it was then."""

    channel: str
    tenant: str
    address: dict[str, Any]
    room: str | None
    hint: str
    message: OutgoingMessage
    attempt: int
    shown_before: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """What can be told of a question that is not answered yet, and to whom."""

    channel: str
    tenant: str
    address: dict[str, Any]
    room: str | None
    asker: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands in the chat for a question."""

    channel: str
    address: dict[str, Any]
    message_id: str | None
    perhaps_posted: bool
    attempt: int


def due(session: Session, question_id: str) -> Due | None:
    """What is still to be shown; None when it was, is not answered yet, or was taken back."""
    row = session.get(DeliveryRow, question_id, with_for_update=True)
    answer = answers.view(session, question_id)
    if row is None or posts.is_settled(row) or answer is None or answer.outcome is None or answer.retracted:
        return None
    row.attempts += 1
    message = OutgoingMessage(
        question_id=question_id,
        answer_id=answer.answer_id,
        text=answer.text,
        outcome=answer.outcome,
        confidence=answer.confidence or Confidence.DONT_KNOW,
        sources=answer.sources,
        question=answer.question,
        asker=answer.asker,
        action=Action(answer.decision.get("action", Action.ANSWERED)),
        verified=answer.verified,
        escalation=escalations.of_question(session, question_id),
    )
    shown_before = row.delivered_at is not None
    return Due(row.channel, answer.tenant, row.address, answer.room, answer.hint, message, row.attempts, shown_before)


def waiting(session: Session, question_id: str) -> Waiting | None:
    """None when there is nothing more to wait for."""
    row = session.get(DeliveryRow, question_id)
    answer = answers.view(session, question_id)
    if row is None or answer is None or answer.outcome is not None or answer.retracted:
        return None
    ahead = questions.ahead_of(session, answer.asked_at)
    progress = Progress(question_id, answer.stage, ahead, answer.text, answer.sources)
    return Waiting(row.channel, answer.tenant, row.address, answer.room, answer.asker, progress)


def shown(session: Session, question_id: str) -> Shown | None:
    row = session.get(DeliveryRow, question_id)
    return Shown(row.channel, row.address, row.message_id, row.posting_at is not None, row.attempts) if row else None


def taken_back(session: Session, question_id: str) -> bool:
    """Whether nothing of this question should be shown any more."""
    answer = answers.view(session, question_id)
    return answer is not None and answer.retracted


def address_of(session: Session, question_id: str) -> dict[str, Any]:
    return dict(session.get_one(DeliveryRow, question_id).address)


def renew_address(session: Session, question_id: str, changes: Mapping[str, Any]) -> None:
    row = session.get_one(DeliveryRow, question_id)
    row.address = {**row.address, **changes}


def question_of_message(session: Session, message_id: str, room: str | None, person: str) -> str | None:
    """The question whose answer stands in that message, where this person sees it: in that room, or alone."""
    alone = and_(QuestionRow.room.is_(None), QuestionRow.asker == person)
    return session.scalar(
        select(QuestionRow.id)
        .join(DeliveryRow, DeliveryRow.question_id == QuestionRow.id)
        .where(DeliveryRow.message_id == message_id, or_(QuestionRow.room == room, alone))
    )


def want_news(session: Session, limit: int = 100) -> list[str]:
    """Questions whose askers have waited for a while in a chat where somebody must tell them."""
    return list(
        session.scalars(
            select(QuestionRow.id)
            .join(DeliveryRow, DeliveryRow.question_id == QuestionRow.id)
            .where(QuestionRow.state.in_([QuestionState.PENDING, QuestionState.ANSWERING]))
            .where(QuestionRow.created_at < now() - NEWS_AFTER, DeliveryRow.channel != "web")
            .order_by(QuestionRow.created_at)
            .limit(limit)
        )
    )


def undelivered(session: Session) -> list[str]:
    """Questions whose answer has not been shown in their channel yet."""
    return list(session.scalars(select(DeliveryRow.question_id).where(DeliveryRow.delivered_at.is_(None))))


def failures(session: Session) -> dict[str, int]:
    """Answers that nobody will see where they were asked for, by channel."""
    rows = session.execute(select(DeliveryRow.channel, DeliveryRow.failure).where(DeliveryRow.failure.is_not(None)))
    counts: dict[str, int] = {}
    for channel, _ in rows:
        counts[channel] = counts.get(channel, 0) + 1
    return counts


def delivery_seconds(session: Session, question_id: str) -> float | None:
    """From the question's row to the delivery of its answer; None before that."""
    asked, delivered = session.execute(
        select(QuestionRow.created_at, DeliveryRow.delivered_at)
        .join(DeliveryRow, DeliveryRow.question_id == QuestionRow.id)
        .where(QuestionRow.id == question_id)
    ).one()
    return (delivered - asked).total_seconds() if delivered else None


def redo(session: Session, question_id: str) -> None:
    """What should be shown for this question has changed. Nothing happens before its answer is there, or its end."""
    answer = answers.view(session, question_id)
    if answer is not None and (answer.outcome is not None or answer.retracted):
        posts.again(session, DeliveryRow, question_id)
