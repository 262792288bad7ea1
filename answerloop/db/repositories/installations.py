"""Workspaces that have installed us, and who may renew their tokens right now."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from answerloop.db.tables import InstallationRow, now


@dataclass(frozen=True, slots=True)
class Installation:
    """`secret` is encrypted; `bot_user` is who we are there."""

    workspace: str
    channel: str
    bot_user: str
    secret: bytes
    expires_at: datetime | None = None
    installed_by: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def put(session: Session, installation: Installation) -> None:
    """Installing again replaces what stood there."""
    session.merge(InstallationRow(**asdict(installation), lease_until=None, updated_at=now()))


def get(session: Session, channel: str, workspace: str) -> Installation | None:
    row = session.get(InstallationRow, workspace)
    return _view(row) if row and row.channel == channel else None


def of_channel(session: Session, channel: str) -> list[Installation]:
    rows = session.scalars(
        select(InstallationRow).where(InstallationRow.channel == channel).order_by(InstallationRow.workspace)
    )
    return [_view(row) for row in rows]


def delete_workspace(session: Session, channel: str, workspace: str, installed_until: datetime) -> None:
    """Unless it was installed anew since then."""
    session.execute(
        delete(InstallationRow)
        .where(InstallationRow.workspace == workspace, InstallationRow.channel == channel)
        .where(InstallationRow.updated_at <= installed_until)
    )


def lease(session: Session, workspace: str, duration: timedelta) -> bool:
    """Take the right to renew the tokens: False while another process has it."""
    free = or_(InstallationRow.lease_until.is_(None), InstallationRow.lease_until < now())
    taken = session.execute(
        update(InstallationRow).where(InstallationRow.workspace == workspace, free).values(lease_until=now() + duration)
    )
    return taken.rowcount == 1  # type: ignore[attr-defined,no-any-return]


def renew(session: Session, installation: Installation, secret: bytes, expires_at: datetime) -> None:
    """Give it new tokens, unless it was removed or installed anew meanwhile."""
    session.execute(
        update(InstallationRow)
        .where(InstallationRow.workspace == installation.workspace, InstallationRow.secret == installation.secret)
        .values(secret=secret, expires_at=expires_at)
    )


def release(session: Session, workspace: str) -> None:
    session.execute(update(InstallationRow).where(InstallationRow.workspace == workspace).values(lease_until=None))


def _view(row: InstallationRow) -> Installation:
    return Installation(
        row.workspace, row.channel, row.bot_user, row.secret, row.expires_at, row.installed_by, dict(row.details)
    )
