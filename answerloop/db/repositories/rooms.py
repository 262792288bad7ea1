"""How the assistant behaves in each room."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from answerloop.db.tables import RoomRow
from answerloop.domain import Respond, RoomSettings


def get(session: Session, room: str) -> RoomSettings | None:
    row = session.get(RoomRow, room)
    return _settings(row.settings) if row else None


def put(session: Session, room: str, settings: RoomSettings, by: str) -> None:
    row = session.get(RoomRow, room) or RoomRow(room=room)
    row.settings, row.updated_by = asdict(settings), by
    session.add(row)


def _settings(stored: dict[str, Any]) -> RoomSettings:
    return RoomSettings(
        respond=Respond(stored["respond"]),
        ephemeral=stored["ephemeral"],
        sources=tuple(stored["sources"]),
        allow=tuple(stored["allow"]),
        escalation=tuple(stored["escalation"]),
        language=stored["language"],
    )
