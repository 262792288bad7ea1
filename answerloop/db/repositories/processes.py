"""Which of our processes are alive, what they serve, and how much memory they take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from answerloop.db.tables import ProcessRow, now

ALIVE = timedelta(seconds=20)
"""A process that was not seen for this long counts as gone."""


@dataclass(frozen=True, slots=True)
class ProcessView:
    name: str
    host: str
    pid: int
    resident_bytes: int
    seen_at: datetime


def beat(session: Session, name: str, host: str, pid: int, resident_bytes: int) -> None:
    """Say that this process lives."""
    key = f"{host}:{pid}:{name}"
    row = session.get(ProcessRow, key)
    if row is None:
        row = ProcessRow(id=key, name=name, host=host, pid=pid)
        session.add(row)
    row.resident_bytes, row.seen_at = resident_bytes, now()


def leave(session: Session, name: str, host: str, pid: int) -> None:
    session.execute(delete(ProcessRow).where(ProcessRow.id == f"{host}:{pid}:{name}"))


def alive(session: Session) -> list[ProcessView]:
    rows = session.scalars(select(ProcessRow).where(ProcessRow.seen_at > now() - ALIVE).order_by(ProcessRow.name))
    return [ProcessView(row.name, row.host, row.pid, row.resident_bytes, row.seen_at) for row in rows]


def forget_gone(session: Session) -> None:
    session.execute(delete(ProcessRow).where(ProcessRow.seen_at < now() - 3 * ALIVE))
