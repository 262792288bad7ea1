"""Remembers how people and rooms are reached: every activity says it anew, and the workers need it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from answerloop.db.repositories import places
from answerloop.db.repositories.places import Place
from answerloop.db.session import Database, DuplicateKey
from answerloop.db.together import Together
from answerloop.teams.address import CHANNEL, Kind
from answerloop.timed_cache import TimedCache
from bot.teams.heard import Whereabouts

log = logging.getLogger(__name__)

WRITTEN_AGAIN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A person or a room, and how they are reached."""

    id: str
    name: str
    data: dict[str, str]


class Places:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(database, _store)
        self._written: TimedCache[str, None] = TimedCache(WRITTEN_AGAIN_SECONDS)

    def seen(self, where: Whereabouts) -> None:
        """Written when it has changed, and now and then. Raises DatabaseUnavailable."""
        at = where.address
        person = Seen(where.person, where.name, {
            "service_url": at.service_url, "conversation": at.conversation, "account": at.account, "bot": at.bot,
        })  # fmt: skip
        room = Seen(where.place, where.room_name, {
            "service_url": at.service_url, "conversation": at.conversation.partition(";")[0], "kind": at.kind.value,
            "bot": at.bot,
        })  # fmt: skip
        both = (person,) if at.kind is Kind.PERSONAL else (person, room)
        self._written.get(repr(both), lambda: self._write(both))

    def come(self, where: Whereabouts) -> None:
        """We were added there, perhaps again, and another process may have been told that we had gone. Raises
        DatabaseUnavailable."""
        self._written = TimedCache(WRITTEN_AGAIN_SECONDS)
        self.seen(where)

    def left(self, where: Whereabouts) -> None:
        """We were removed there: nothing is sent there any more."""
        with self._database.writing() as session:
            places.leave(session, where.person if where.address.kind is Kind.PERSONAL else where.place)
        self._written = TimedCache(WRITTEN_AGAIN_SECONDS)
        log.info("removed from a conversation", extra={"place": where.place})

    def known(self, place_id: str) -> Place | None:
        with self._database.reading() as session:
            return places.get(session, place_id)

    def rooms(self, tenant: str) -> list[Place]:
        """Chats and channels of the tenant where we are, by name."""
        with self._database.reading() as session:
            found = places.starting_with(session, f"{CHANNEL}:{tenant}:")
        return [place for place in found if "kind" in place.data]

    def _write(self, seen: tuple[Seen, ...]) -> None:
        try:
            self._together.write(seen)
        except DuplicateKey:
            log.debug("another process has just learnt the same", extra={"places": [each.id for each in seen]})


def _store(session: Any, together: Sequence[tuple[Seen, ...]]) -> list[None]:
    latest = {each.id: each for seen in together for each in seen}
    for each in latest.values():
        places.put(session, each.id, CHANNEL, each.name, each.data)
    return [None] * len(together)
