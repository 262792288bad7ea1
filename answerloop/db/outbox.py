"""The outbox: a job is a row in the transaction that needs it, and goes to the broker after the commit.

A job is sent at least once. Whoever wrote it sends it right away; what that misses (the broker was down, the process
died) is found by the sweep a few seconds later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from answerloop.db.session import Database
from answerloop.db.tables import OutboxRow, new_id, now
from answerloop.errors import QueueUnavailable
from answerloop.ports import Job, TaskQueue

log = logging.getLogger(__name__)

Post = Callable[[Sequence[OutboxRow]], object]
"""Sends what was committed, at once or in a moment."""

GRACE = timedelta(seconds=5)
"""The writer's own time to send a job before the sweep takes it for forgotten."""


def write(session: Session, job: Job, not_before: datetime | None = None) -> OutboxRow:
    row = OutboxRow(
        id=new_id(),
        task=job.task,
        queue=job.queue,
        args=list(job.args),
        not_before=not_before or now() + GRACE,
    )
    session.add(row)
    return row


def send(database: Database, queue: TaskQueue, rows: Sequence[OutboxRow]) -> int:
    """Send committed rows and strike them out; on a broker that is down, leave the rest to the sweep."""
    sent = hand_over(queue, rows)
    strike_out(database, sent)
    return len(sent)


def hand_over(queue: TaskQueue, rows: Sequence[OutboxRow]) -> list[str]:
    """The ids of those that the broker took."""
    sent: list[str] = []
    try:
        for row in rows:
            queue.send(Job(row.task, row.queue, tuple(row.args)))
            sent.append(row.id)
    except QueueUnavailable as error:
        log.warning(
            "broker unavailable, jobs wait in the outbox",
            extra={"waiting": len(rows) - len(sent), "error": str(error)},
        )
    return sent


def strike_out(database: Database, sent: Sequence[str]) -> None:
    if sent:
        with database.writing(beside_others=True) as session:
            session.execute(delete(OutboxRow).where(OutboxRow.id.in_(sent)))


def sweep(database: Database, queue: TaskQueue, limit: int = 500) -> int:
    """Send what is due. Two sweeps at once take different rows: taking one moves its time on."""
    with database.writing(beside_others=True) as session:
        rows = session.scalars(
            select(OutboxRow)
            .where(OutboxRow.not_before <= now())
            .order_by(OutboxRow.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.id.in_([row.id for row in rows]))
            .values(not_before=now() + GRACE, attempts=OutboxRow.attempts + 1)
        )
    return send(database, queue, rows)
