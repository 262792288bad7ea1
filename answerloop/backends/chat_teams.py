"""Delivery to Teams. A message is a placeholder first, then the answer: posted once, brought up to date ever after.

Teams has no way to look for a message whose posting ended in doubt. So an answer is never posted: what is posted is a
placeholder, and the answer is an update of it, which may be done twice. In doubt there are two placeholders at worst,
never two answers (`docs/decisions/0011-teams-without-its-connector-client.md`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from answerloop.backends.chat_pace import Turns
from answerloop.backends.teams_api import NOT_FOUND, TOO_LARGE, UNSUPPORTED, Gone, TeamsApi
from answerloop.domain import CitedSource, Notice, OutgoingMessage, Progress, Stage
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, MessageDeleted
from answerloop.ports import RateLimiter
from answerloop.teams.address import CHANNEL, Kind, TeamsAddress
from answerloop.teams.answer import render_answer, render_short
from answerloop.teams.notices import render_gone, render_notice
from answerloop.teams.progress import render_progress
from answerloop.timed_cache import TimedCache

log = logging.getLogger(__name__)

AT_ONCE, NEWS_AT_ONCE = 7, 4
"""Teams counts posts and changes of one conversation together. News take places only while many are free, so that
answers find one."""
PERSONAL_SECONDS = 300.0


class TeamsDelivery:
    """A `ChatDelivery`. `names` tells what a person is called, perhaps by asking who reads there."""

    channel = CHANNEL
    searchable = False

    def __init__(
        self,
        api: TeamsApi,
        limiter: RateLimiter,
        *,
        source_url: Callable[[CitedSource], str | None],
        names: Callable[[str, TeamsAddress], str],
        messages_per_second: float,
    ) -> None:
        self._api = api
        self._source_url = source_url
        self._names = names
        self._turns = Turns("Teams", limiter)
        self._per_second = messages_per_second
        self._personal: TimedCache[tuple[str, str, str], str] = TimedCache(PERSONAL_SECONDS)

    def has_placeholder(self, address: Mapping[str, object]) -> bool:
        return True

    def open(self, address: Mapping[str, object], progress: Progress) -> str | None:
        at = self._opened(TeamsAddress.parse(address))
        if progress.stage is Stage.QUEUED:
            # a courtesy; the placeholder says the same
            with suppress(DeliveryUnavailable, DeliveryImpossible), self._turn(at, news=True):
                self._api.show_typing(at.service_url, at.conversation)
        return self._post(at, render_progress(progress, at.language))

    def show(self, address: Mapping[str, object], message_id: str | None, progress: Progress) -> None:
        if message_id is not None:
            at = self._opened(TeamsAddress.parse(address))
            self._update(at, message_id, render_progress(progress, at.language), news=True)

    def deliver(self, address: Mapping[str, object], message_id: str | None, message: OutgoingMessage) -> str:
        asked = TeamsAddress.parse(address)
        at = self._opened(asked)
        if message_id is None:
            message_id = self._post(at, render_progress(Progress(message.question_id, Stage.WRITING), at.language))
        rendered = render_answer(
            message,
            url=self._source_url,
            names=lambda person: self._names(person, at),
            private=asked.room is None,
            shareable=asked.private,
            restate=asked.private or asked.message is None or asked.kind is Kind.GROUP,  # others talk in between
            language=at.language,
            now=datetime.now(UTC),
        )
        try:
            self._update(at, message_id, rendered)
        except Gone as error:
            if error.status != TOO_LARGE:
                raise
            log.warning("answer too large for Teams, shown without its frame", extra={"answer_id": message.answer_id})
            self._update(at, message_id, render_short(message))
        return message_id

    def withdraw(self, address: Mapping[str, object], message_id: str | None) -> None:
        if message_id is None:
            return
        at = self._opened(TeamsAddress.parse(address))
        try:
            with self._turn(at):
                self._api.delete(at.service_url, at.conversation, message_id)
        except Gone as error:
            if error.status in UNSUPPORTED:
                self._update(at, message_id, render_gone(at.language))
            elif error.status != NOT_FOUND:
                raise

    def notify(self, address: Mapping[str, object], message_id: str | None, notice: Notice) -> str:
        at = TeamsAddress.parse(address)
        at = self._opened(at if notice.kind.is_public else at.personal())
        rendered = render_notice(notice, lambda person: self._names(person, at), at.language, datetime.now(UTC))
        if message_id is None:
            return self._post(at, rendered)
        self._update(at, message_id, rendered)
        return message_id

    def find(self, address: Mapping[str, object], subject_id: str) -> str | None:
        """Teams cannot be asked."""
        return None

    # --- calls

    def _opened(self, at: TeamsAddress) -> TeamsAddress:
        """With the conversation where it is to be shown: the personal chat is opened where it is not known."""
        if at.private:
            at = at.personal()
        if at.conversation:
            return at
        if not at.account:
            raise DeliveryImpossible("Teams has not told us how to reach this person")
        conversation = self._personal.get(
            (at.service_url, at.tenant, at.account),
            lambda: self._api.open_personal(at.service_url, at.bot, at.account, at.tenant),
        )
        return replace(at, conversation=conversation, kind=Kind.PERSONAL)

    def _turn(self, at: TeamsAddress, *, news: bool = False) -> AbstractContextManager[None]:
        return self._turns.turn(at.room_key, self._per_second, NEWS_AT_ONCE if news else AT_ONCE)

    def _post(self, at: TeamsAddress, activity: dict[str, Any]) -> str:
        with self._turn(at):
            return self._api.post(at.service_url, at.conversation, _addressed(at, activity))

    def _update(self, at: TeamsAddress, message_id: str, activity: dict[str, Any], *, news: bool = False) -> None:
        whole = {**_addressed(at, activity), "id": message_id}
        try:
            with self._turn(at, news=news):
                self._api.put(at.service_url, at.conversation, message_id, whole)
        except Gone as error:
            if error.status != NOT_FOUND:
                raise
            raise MessageDeleted(str(error)) from None


def _addressed(at: TeamsAddress, activity: dict[str, Any]) -> dict[str, Any]:
    return {"from": {"id": at.bot}, "conversation": {"id": at.conversation}, **activity}
