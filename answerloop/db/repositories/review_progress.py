"""How far the review queue has been read, and who reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from answerloop.db.audit_tables import BookmarkRow

NAME = "review.queue"


@dataclass(frozen=True, slots=True)
class Progress:
    """`cursor` is on the queue's clock, all else on ours. `moved_at` is when something new was last seen there.
    `push_after`: tasks that were sent may still arrive until then."""

    project: str | None = None
    mark: int = 0
    cursor: datetime | None = None
    moved_at: datetime | None = None
    push_after: datetime | None = None
    failing_since: datetime | None = None


_TIMES = ("cursor", "moved_at", "push_after", "failing_since")


def of(session: Session) -> Progress:
    row = session.get(BookmarkRow, NAME)
    details = row.details if row else {}
    times = {name: datetime.fromisoformat(details[name]) for name in _TIMES if details.get(name)}
    return Progress(project=details.get("project"), mark=int(details.get("mark", 0)), **times)


def save(session: Session, **changes: str | int | datetime | None) -> None:
    row = session.get(BookmarkRow, NAME, with_for_update=True)
    if row is None:
        row = BookmarkRow(name=NAME, position="", details={})
        session.add(row)
    row.details = {**row.details, **{name: _plain(value) for name, value in changes.items()}}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
