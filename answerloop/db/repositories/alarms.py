"""What a person should look at, once for each thing."""

from __future__ import annotations

from sqlalchemy.orm import Session

from answerloop.db.audit_tables import AlarmRow
from answerloop.db.tables import now


def ring(session: Session, key: str, kind: str, text: str) -> bool:
    """Whether it is new. One that is known says the latest and that it goes on; whoever cleared it has seen it."""
    row = session.get(AlarmRow, key, with_for_update=True)
    if row is None:
        session.add(AlarmRow(key=key, kind=kind, text=text))
        session.flush()
        return True
    row.text, row.seen_at = text, now()
    return False
