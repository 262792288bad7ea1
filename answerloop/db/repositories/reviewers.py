"""Whose judgement counts, and who they are elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import ReviewerRow


@dataclass(frozen=True, slots=True)
class ReviewerView:
    id: str
    people: tuple[str, ...]
    account: str | None
    active: bool
    created_at: datetime


def admit(session: Session, email: str, people: Sequence[str], account: str | None, invited_by: str) -> None:
    """A second time it adds people, and renews the account. An account belongs to one reviewer alone."""
    if account is not None:
        session.execute(
            update(ReviewerRow)
            .where(ReviewerRow.external_id == account, ReviewerRow.id != email)
            .values(external_id=None)
        )
    row = session.get(ReviewerRow, email)
    if row is None:
        row = ReviewerRow(id=email, people=[], invited_by=invited_by)
        session.add(row)
    row.people = sorted({*map(str, row.people), *people})
    row.external_id, row.active = account or row.external_id, True


def everybody(session: Session) -> list[ReviewerView]:
    rows = session.scalars(select(ReviewerRow).order_by(ReviewerRow.id))
    return [
        ReviewerView(row.id, tuple(map(str, row.people)), row.external_id, row.active, row.created_at) for row in rows
    ]
