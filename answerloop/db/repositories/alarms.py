"""What a person should look at, once for each thing."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import AlarmRow
from answerloop.db.tables import now

OURSELVES = "answerloop"


def ring(session: Session, key: str, kind: str, text: str) -> bool:
    """Whether it is new. One that is known says the latest and that it goes on; whoever cleared it has seen it."""
    row = session.get(AlarmRow, key, with_for_update=True)
    if row is None:
        session.add(AlarmRow(key=key, kind=kind, text=text))
        session.flush()
        return True
    row.text, row.seen_at = text, now()
    return False


def sound(session: Session, key: str, kind: str, text: str) -> None:
    """Once for each key: a second time it is the same one, seen again; one that was cleared is raised anew."""
    if ring(session, key, kind, text):
        return
    row = session.get_one(AlarmRow, key)
    if row.cleared_at is not None:
        row.raised_at, row.cleared_at, row.cleared_by = now(), None, ""


def clear(session: Session, key: str, by: str = OURSELVES) -> None:
    session.execute(
        update(AlarmRow)
        .where(AlarmRow.key == key, AlarmRow.cleared_at.is_(None))
        .values(cleared_at=now(), cleared_by=by)
    )
