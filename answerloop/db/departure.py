"""Whether this installation was exported to go on elsewhere: then nothing of it starts any more (`Database.check`)."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import BookmarkRow
from answerloop.db.session import MOVED
from answerloop.db.tables import now


def leave(session: Session) -> None:
    session.merge(BookmarkRow(name=MOVED, position=now().isoformat(timespec="seconds")))


def stay(session: Session) -> bool:
    """Whether it had left."""
    return bool(session.execute(delete(BookmarkRow).where(BookmarkRow.name == MOVED)).rowcount)  # type: ignore[attr-defined]
