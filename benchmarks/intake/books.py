"""What became of the questions, in the database and at the broker."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import redis
from sqlalchemy import func, select

from answerloop.db.session import Database
from answerloop.db.tables import DeliveryRow, OutboxRow, QuestionRow
from answerloop.tasks import ANSWER


@dataclass(frozen=True, slots=True)
class Stored:
    """`lost`: without a row. `doubled`: rows too many."""

    lost: int
    doubled: int


def stored(database: Database, askers: Sequence[str]) -> Stored:
    """Every question has its own asker."""
    with database.reading() as session:
        rows = Counter(session.scalars(select(QuestionRow.asker)))
    return Stored(lost=sum(not rows[asker] for asker in askers), doubled=sum(count - 1 for count in rows.values()))


def shown(database: Database) -> int:
    """Answers that stand where they were asked for."""
    with database.reading() as session:
        return session.scalar(select(func.count()).where(DeliveryRow.delivered_at.is_not(None))) or 0


def without_a_job(database: Database, broker_url: str) -> int:
    """Questions that wait neither at the broker nor in the outbox: nobody would answer them before the recovery."""
    with redis.Redis.from_url(broker_url) as broker:
        messages = broker.lrange(ANSWER, 0, -1)
    waiting = {json.loads(base64.b64decode(json.loads(message)["body"]))[0][0] for message in messages}
    with database.reading() as session:
        waiting |= {row.args[0] for row in session.scalars(select(OutboxRow).where(OutboxRow.queue == ANSWER))}
        return sum(question not in waiting for question in session.scalars(select(QuestionRow.id)))
