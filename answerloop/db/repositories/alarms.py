"""What a person should look at, once for each thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import AlarmRow
from answerloop.db.tables import now

OURSELVES = "answerloop"


def ring(session: Session, key: str, kind: str, text: str) -> bool:
    """Whether it is new, or raised anew after somebody had cleared it. One that stands says the latest, and that it
    goes on."""
    row = session.get(AlarmRow, key, with_for_update=True)
    if row is None:
        session.add(AlarmRow(key=key, kind=kind, text=text))
        session.flush()
        return True
    row.text, row.seen_at = text, now()
    if row.cleared_at is None:
        return False
    row.raised_at, row.cleared_at, row.cleared_by = now(), None, ""
    return True


@dataclass(frozen=True, slots=True)
class Standing:
    key: str
    text: str
    raised_at: datetime


def standing(session: Session) -> list[Standing]:
    """Those that nobody has cleared, the oldest first."""
    rows = session.scalars(select(AlarmRow).where(AlarmRow.cleared_at.is_(None)).order_by(AlarmRow.raised_at))
    return [Standing(row.key, row.text, row.raised_at) for row in rows]


def clear(session: Session, key: str, by: str = OURSELVES) -> None:
    session.execute(
        update(AlarmRow)
        .where(AlarmRow.key == key, AlarmRow.cleared_at.is_(None))
        .values(cleared_at=now(), cleared_by=by)
    )
