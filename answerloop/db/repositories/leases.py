"""Rights to do something alone, by name, for a while. Whoever dies loses them when the while is over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from answerloop.db.audit_tables import BookmarkRow
from answerloop.db.tables import new_id, now


@dataclass(frozen=True, slots=True)
class Lease:
    """`position` is how far the one before has come, `details` what it left for the next."""

    name: str
    token: str
    position: str
    details: dict[str, Any]


def take(session: Session, name: str, length: timedelta) -> Lease | None:
    """None while somebody else has it. Two who ask at once for one that was never taken fail on its unique key."""
    row = session.get(BookmarkRow, name, with_for_update=True)
    if row is None:
        row = BookmarkRow(name=name, position="", details={})
        session.add(row)
    if row.lease_until is not None and row.lease_until > now():
        return None
    token = new_id()
    row.lease_until, row.details = now() + length, {**row.details, "token": token}
    session.flush()
    return Lease(name, token, row.position, dict(row.details))


def position(session: Session, name: str) -> str:
    """How far the last one who had it has come."""
    row = session.get(BookmarkRow, name)
    return row.position if row else ""


def renew(session: Session, lease: Lease, length: timedelta) -> bool:
    """False when it was lost; what was to be written under it must not be then."""
    row = session.get(BookmarkRow, lease.name, with_for_update=True)
    if row is None or row.details.get("token") != lease.token:
        return False
    row.lease_until = now() + length
    return True


def release(session: Session, lease: Lease, position: str | None = None) -> None:
    row = session.get(BookmarkRow, lease.name, with_for_update=True)
    if row is None or row.details.get("token") != lease.token:
        return
    row.lease_until, row.position = None, row.position if position is None else position


def keep(session: Session, lease: Lease, **details: str) -> Lease:
    """Leave something for whoever has it next."""
    row = session.get_one(BookmarkRow, lease.name)
    row.details = {**row.details, **details}
    return replace(lease, details=dict(row.details))
