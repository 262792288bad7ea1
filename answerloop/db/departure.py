"""Whether this installation was exported to go on elsewhere, or has come in with what was erased since: then nothing of
it starts (`Database.check`)."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import BookmarkRow
from answerloop.db.session import MOVED, UNERASED
from answerloop.db.tables import now


def leave(session: Session) -> None:
    _mark(session, MOVED)


def stay(session: Session) -> bool:
    """Whether it had left."""
    return _unmark(session, MOVED)


def await_erasures(session: Session) -> None:
    _mark(session, UNERASED)


def erased_again(session: Session) -> None:
    _unmark(session, UNERASED)


def _mark(session: Session, name: str) -> None:
    session.merge(BookmarkRow(name=name, position=now().isoformat(timespec="seconds")))


def _unmark(session: Session, name: str) -> bool:
    return bool(session.execute(delete(BookmarkRow).where(BookmarkRow.name == name)).rowcount)  # type: ignore[attr-defined]
