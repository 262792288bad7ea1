"""Remembers how people and rooms are reached: every activity says it anew, and the workers need it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from answerloop.db.repositories import places
from answerloop.db.repositories.places import Place
from answerloop.db.session import Database, DuplicateKey
from answerloop.teams.address import CHANNEL, Kind
from answerloop.timed_cache import TimedCache
from bot.teams.heard import Whereabouts

log = logging.getLogger(__name__)

WRITTEN_AGAIN_SECONDS = 600.0


class Places:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: TimedCache[tuple[str, str], None] = TimedCache(WRITTEN_AGAIN_SECONDS)

    def seen(self, where: Whereabouts) -> None:
        """Written when it has changed, and now and then. Raises DatabaseUnavailable."""
        at = where.address
        self._put(where.person, where.name, {
            "service_url": at.service_url, "conversation": at.conversation, "account": at.account, "bot": at.bot,
        })  # fmt: skip
        if at.kind is not Kind.PERSONAL:
            conversation = at.conversation.partition(";")[0]
            self._put(where.place, where.room_name, {
                "service_url": at.service_url, "conversation": conversation, "kind": at.kind.value, "bot": at.bot,
            })  # fmt: skip

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

    def _put(self, place_id: str, name: str, data: dict[str, Any]) -> None:
        self._written.get((place_id, repr((name, sorted(data.items())))), self._writing(place_id, name, data))

    def _writing(self, place_id: str, name: str, data: dict[str, Any]) -> Callable[[], None]:
        def write() -> None:
            try:
                with self._database.writing() as session:
                    places.put(session, place_id, CHANNEL, name, data)
            except DuplicateKey:
                log.debug("another process has just learnt the same", extra={"place": place_id})

        return write
