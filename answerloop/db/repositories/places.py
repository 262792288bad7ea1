"""How people and rooms of a platform are reached, as the platform last let us know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.db.tables import PlaceRow, now


@dataclass(frozen=True, slots=True)
class Place:
    """`id` is what the directory calls the person or room; `data` is the platform's own; `seen_at`: when it was last
    written."""

    id: str
    name: str
    data: dict[str, Any]
    seen_at: datetime | None = None


def put(session: Session, place_id: str, channel: str, name: str, data: Mapping[str, Any]) -> None:
    """What is known now; being there again ends being gone. An empty name leaves the one that was known."""
    row = session.get(PlaceRow, place_id) or PlaceRow(id=place_id, channel=channel, name="")
    row.name, row.data, row.seen_at, row.gone_at = name or row.name, dict(data), now(), None
    session.add(row)


def get(session: Session, place_id: str) -> Place | None:
    """None for one that is not known, or where we were removed."""
    row = session.get(PlaceRow, place_id)
    return _view(row) if row and row.gone_at is None else None


def leave(session: Session, place_id: str) -> None:
    """We were removed there."""
    row = session.get(PlaceRow, place_id)
    if row and row.gone_at is None:
        row.gone_at = now()


def starting_with(session: Session, prefix: str) -> list[Place]:
    """Those whose id begins so and where we are, by name."""
    found = select(PlaceRow).where(PlaceRow.id.startswith(prefix, autoescape=True), PlaceRow.gone_at.is_(None))
    return [_view(row) for row in session.scalars(found.order_by(PlaceRow.name, PlaceRow.id))]


def _view(row: PlaceRow) -> Place:
    return Place(row.id, row.name, dict(row.data), row.seen_at)
