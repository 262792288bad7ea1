"""Questions as they arrive: which are known already, who asks too much, and what is stored of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from answerloop.db.repositories.questions import LOOKED_AFTER
from answerloop.db.tables import (
    AnswerRow,
    ConversationRow,
    DeliveryRow,
    InboundKeyRow,
    QuestionRow,
    Table,
    new_id,
    now,
)
from answerloop.domain import InboundQuestion


@dataclass(frozen=True, slots=True)
class Accepted:
    question_id: str
    conversation_id: str
    fresh: bool


# What stands between questions and their acknowledgement: built once, since building takes longer than asking, and the
# same few statements for all questions that arrive together.
_KNOWN = (
    select(InboundKeyRow.key, QuestionRow.id, QuestionRow.conversation_id)
    .join(QuestionRow, InboundKeyRow.question_id == QuestionRow.id)
    .where(InboundKeyRow.key.in_(bindparam("keys", expanding=True)))
)
_ASKED_SINCE = (
    select(QuestionRow.asker, func.count(QuestionRow.id))
    .where(QuestionRow.asker.in_(bindparam("askers", expanding=True)), QuestionRow.created_at > bindparam("since"))
    .group_by(QuestionRow.asker)
)
_CONVERSATIONS = (
    select(ConversationRow.channel, ConversationRow.key, ConversationRow.id)
    .where(
        ConversationRow.channel.in_(bindparam("channels", expanding=True)),
        ConversationRow.key.in_(bindparam("keys", expanding=True)),
    )
    .order_by(ConversationRow.id)
    .with_for_update(key_share=True)  # all in the same order: two batches that lock each other's rows would both wait
)


def find_by_key(session: Session, keys: Iterable[str]) -> Accepted | None:
    return next(iter(find_by_keys(session, keys).values()), None)


def find_by_keys(session: Session, keys: Iterable[str]) -> dict[str, Accepted]:
    """The questions that these names of messages stand for; a name without one is absent."""
    rows = session.execute(_KNOWN, {"keys": list(keys)})
    return {key: Accepted(question_id, conversation_id, fresh=False) for key, question_id, conversation_id in rows}


def asked_since(session: Session, askers: Iterable[str], since: datetime) -> dict[str, int]:
    """How many questions these people have asked since then."""
    rows = session.execute(_ASKED_SINCE, {"askers": list(askers), "since": since})
    return {asker: count for asker, count in rows}  # noqa: C416 - rows are no pairs to the type checker


def record(session: Session, inbounds: Sequence[InboundQuestion]) -> list[Accepted]:
    """Store questions that no one has stored before. A concurrent twin fails on its unique key."""
    if not inbounds:
        return []
    conversations = _conversations(session, inbounds)
    accepted = [Accepted(new_id(), conversations[_thread(inbound)], fresh=True) for inbound in inbounds]
    pairs = list(zip(accepted, inbounds, strict=True))
    _insert(session, QuestionRow, [
        {
            "id": one.question_id,
            "conversation_id": one.conversation_id,
            "channel": inbound.channel,
            "tenant": inbound.tenant,
            "asker": inbound.asker,
            "text": inbound.text,
            "lease_until": now() + LOOKED_AFTER,
            "room": inbound.room,
            "sources": list(inbound.sources),
        }
        for one, inbound in pairs
    ])  # fmt: skip
    _insert(session, AnswerRow, [{"question_id": one.question_id} for one in accepted])
    _insert(session, InboundKeyRow, [
        {"key": key, "question_id": one.question_id} for one, inbound in pairs for key in inbound.message_keys
    ])  # fmt: skip
    _insert(session, DeliveryRow, [
        {"question_id": one.question_id, "channel": inbound.channel, "address": inbound.address}
        for one, inbound in pairs
    ])  # fmt: skip
    return accepted


def _conversations(session: Session, inbounds: Sequence[InboundQuestion]) -> dict[tuple[str, str], str]:
    """The ids of those that are continued or begun, by channel and key."""
    first = {_thread(inbound): inbound for inbound in reversed(inbounds)}  # the first one begins it
    threads = dict(sorted(first.items()))
    asked = {"channels": list({channel for channel, _ in threads}), "keys": [key for _, key in threads]}
    found = {(channel, key): known for channel, key, known in session.execute(_CONVERSATIONS, asked)}
    known = {thread: found[thread] for thread in threads if thread in found}
    begun = {thread: new_id() for thread in threads if thread not in found}
    if known:
        continued = update(ConversationRow).where(ConversationRow.id.in_(known.values()))
        session.execute(continued.values(updated_at=now()))
    _insert(session, ConversationRow, [
        {
            "id": begun[thread],
            "channel": inbound.channel,
            "key": inbound.conversation_key,
            "tenant": inbound.tenant,
            "owner": inbound.asker,
            "title": inbound.text[:120],
        }
        for thread, inbound in threads.items() if thread in begun
    ])  # fmt: skip
    return known | begun


def _thread(inbound: InboundQuestion) -> tuple[str, str]:
    return inbound.channel, inbound.conversation_key


def _insert(session: Session, table: type[Table], rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table), rows)
