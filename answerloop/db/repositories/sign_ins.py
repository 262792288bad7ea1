"""Sign-ins that were begun elsewhere and come back once, soon."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from answerloop.db.tables import SignInStateRow, now

LIFETIME = timedelta(minutes=10)


def begin(session: Session) -> str:
    """A state that nobody can guess. Those that never came back are cleared away."""
    session.execute(delete(SignInStateRow).where(SignInStateRow.created_at <= now() - LIFETIME))
    row = SignInStateRow(state=secrets.token_urlsafe(32))
    session.add(row)
    return row.state


def finish(session: Session, state: str) -> bool:
    """Whether it was begun here a short while ago and had not come back yet."""
    taken = session.execute(
        delete(SignInStateRow).where(SignInStateRow.state == state, SignInStateRow.created_at > now() - LIFETIME)
    )
    return taken.rowcount == 1  # type: ignore[attr-defined,no-any-return]
