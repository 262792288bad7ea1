"""Messages beside the answers, each shown once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.db.repositories import answers, escalations, posts
from answerloop.db.tables import NoticeRow, new_id, now
from answerloop.domain import Notice, NoticeKind


@dataclass(frozen=True, slots=True)
class DueNotice:
    """`taken_back`: its question or the answer was, and so nothing about it should stand any more."""

    channel: str
    address: dict[str, Any]
    notice: Notice
    attempt: int
    taken_back: bool


def write(
    session: Session,
    key: str,
    kind: NoticeKind,
    channel: str,
    address: Mapping[str, Any],
    *,
    text: str = "",
    people: Sequence[str] = (),
    room: str | None = None,
    question_id: str | None = None,
    due_at: datetime | None = None,
) -> str | None:
    """The id of the new notice, or None when there is one with this key: nothing is told twice.

    Without `due_at` whoever writes it sends its job, which is written anew when it got lost.
    """
    if session.scalar(select(NoticeRow.id).where(NoticeRow.key == key)) is not None:
        return None
    row = NoticeRow(
        id=new_id(),
        key=key,
        kind=kind,
        channel=channel,
        address=dict(address),
        text=text,
        people=list(people),
        room=room,
        question_id=question_id,
        due_at=due_at or now() + posts.DONE_WITHIN,
    )
    session.add(row)
    session.flush()
    return row.id


def due(session: Session, notice_id: str) -> DueNotice | None:
    """What is still to be told; None when it was, or when nobody needs to be told any more."""
    row = session.get(NoticeRow, notice_id)
    if row is None or posts.is_settled(row):
        return None
    answer = answers.view(session, row.question_id) if row.question_id else None
    if row.kind == NoticeKind.REMINDER and (answer is None or answer.thumb):
        posts.done(session, NoticeRow, notice_id, row.attempts)
        return None
    row.attempts += 1
    notice = Notice(
        id=row.id,
        kind=NoticeKind(row.kind),
        text=row.text,
        people=tuple(row.people),
        question=answer.question if answer else "",
        answer_id=answer.answer_id if answer else None,
        escalation=escalations.of_question(session, row.question_id) if row.question_id else None,
    )
    taken_back = answer is not None and answer.retracted
    return DueNotice(row.channel, row.address, notice, row.attempts, taken_back)


def redo(session: Session, kind: NoticeKind, question_id: str) -> list[str]:
    """The notices of this kind about the question must be shown anew; their ids."""
    rows = session.scalars(select(NoticeRow).where(NoticeRow.question_id == question_id, NoticeRow.kind == kind)).all()
    for row in rows:
        posts.again(session, NoticeRow, row.id)
    return [row.id for row in rows]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A colleague's reply that may become the better answer."""

    question_id: str
    people: tuple[str, ...]
    text: str


def suggestion(session: Session, notice_id: str) -> Suggestion | None:
    row = session.get(NoticeRow, notice_id)
    if row is None or row.kind != NoticeKind.SUGGESTION or row.question_id is None:
        return None
    return Suggestion(row.question_id, tuple(row.people), row.text)


def reaches(session: Session, kind: NoticeKind, question_id: str, person: str, room: str | None) -> bool:
    """Whether such a notice about the question was for this person, or stands in this room."""
    rows = session.scalars(select(NoticeRow).where(NoticeRow.question_id == question_id, NoticeRow.kind == kind))
    return any(person in row.people or (room is not None and row.room == room) for row in rows)


def reminders_of(person: str) -> str:
    """What the keys of their reminders begin with. A name may be as long as a key, so it is hashed."""
    return f"reminder:{hashlib.sha256(person.encode()).hexdigest()[:32]}:"


def reminded_since(session: Session, asker_key: str, since: datetime) -> bool:
    """Whether somebody was already asked how an answer was, not long ago."""
    there = select(NoticeRow.id).where(
        NoticeRow.key.startswith(asker_key, autoescape=True), NoticeRow.created_at > since
    )
    return session.scalar(there.limit(1)) is not None
