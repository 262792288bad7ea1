"""The settings of rooms: a file seeds them, the database rules, admins change them in the chat."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from answerloop.db.repositories import rooms
from answerloop.db.session import Database, DuplicateKey
from answerloop.domain import Respond, RoomSettings
from answerloop.errors import ConfigurationError
from answerloop.timed_cache import TimedCache

log = logging.getLogger(__name__)

KEPT_SECONDS = 3.0
SEED = "rooms file"
FORMS = {"ephemeral": bool, "sources": list, "allow": list, "escalation": list, "language": str}


class Rooms:
    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._default = RoomSettings()
        self._kept: TimedCache[str, RoomSettings] = TimedCache(KEPT_SECONDS, clock)

    def settings_of(self, room: str) -> RoomSettings:
        """As they were at most three seconds ago. Raises DatabaseUnavailable."""
        return self._kept.get(room, lambda: self._read(room))

    def change(self, room: str, settings: RoomSettings, by: str) -> None:
        with self._database.writing() as session:
            rooms.put(session, room, settings, by)
        self._kept.forget(room)
        log.info("room settings changed", extra={"room": room, "by": by})

    def seed(self, path: Path) -> None:
        """Store what the file says of rooms that have no settings yet:

            default: {respond: mentions}
            rooms:
              slack:T01:C01: {respond: questions, sources: [/srv/handbook], escalation: [U01]}

        `default` holds for every room without settings of its own. Raises ConfigurationError.
        """
        try:
            content = _mapping("the file", yaml.safe_load(path.read_text()), {"default", "rooms"})
            self._default = _settings("default", content.get("default"), RoomSettings())
            named = _mapping("rooms", content.get("rooms"))
            seeds = {str(room): _settings(str(room), entry, self._default) for room, entry in named.items()}
        except (OSError, yaml.YAMLError, ValueError) as error:
            raise ConfigurationError(f"The rooms file {path} is not usable: {error}") from None
        for room, settings in seeds.items():
            with suppress(DuplicateKey), self._database.writing() as session:  # or another bot was faster
                if rooms.get(session, room) is None:
                    rooms.put(session, room, settings, SEED)

    def _read(self, room: str) -> RoomSettings:
        with self._database.reading() as session:
            return rooms.get(session, room) or self._default


def _settings(room: str, entry: Any, base: RoomSettings) -> RoomSettings:
    """Raises ValueError."""
    values = dict(_mapping(room, entry, {field.name for field in fields(RoomSettings)}))
    for name, form in FORMS.items():
        if not isinstance(values.get(name, form()), form):
            raise ValueError(f"{room}: expected a {form.__name__} for {name}")  # noqa: TRY004 - about the file
        if form is list and name in values:
            values[name] = tuple(map(str, values[name]))
    if "respond" in values:
        values["respond"] = _respond(room, values["respond"])
    return replace(base, **values)


def _respond(room: str, value: Any) -> Respond:
    try:
        return Respond("off" if value is False else value)  # YAML reads a bare `off` as false
    except ValueError:
        raise ValueError(f"{room}: expected {', '.join(Respond)} for respond") from None


def _mapping(where: str, value: Any, keys: set[str] | None = None) -> dict[Any, Any]:
    """Nothing at all is a mapping of nothing. Raises ValueError."""
    value = {} if value is None else value
    if not isinstance(value, dict) or (keys is not None and not value.keys() <= keys):
        raise ValueError(f"{where}: expected a mapping" + (f" with {', '.join(sorted(keys))}" if keys else ""))
    return value
