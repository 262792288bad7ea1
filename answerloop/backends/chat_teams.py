"""Delivery to Teams. A message is a placeholder first, then the answer: posted once, brought up to date ever after.

Teams has no way to look for a message whose posting ended in doubt. So an answer is never posted: what is posted is a
placeholder, and the answer is an update of it, which may be done twice. In doubt there are two placeholders at worst,
never two answers (`docs/decisions/0011-teams-without-its-connector-client.md`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from answerloop.backends.chat_pace import Pace
from answerloop.backends.teams_api import NOT_FOUND, TOO_LARGE, UNSUPPORTED, Gone, TeamsApi
from answerloop.domain import CitedSource, Notice, NoticeKind, OutgoingMessage, Progress, Stage
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain
from answerloop.ports import RateLimiter
from answerloop.teams.activity import TYPING
from answerloop.teams.address import CHANNEL, Kind, TeamsAddress
from answerloop.teams.answer import render_answer
from answerloop.teams.notices import render_gone, render_notice
from answerloop.teams.progress import render_progress, render_short

log = logging.getLogger(__name__)

IN_DOUBT = "in doubt"
"""The id of a notice that was perhaps shown: it is not shown again."""
IN_PUBLIC = frozenset({NoticeKind.ESCALATION})
"""Notices that go where the question stands; all others are for one person's eyes."""


class TeamsDelivery:
    """A `ChatDelivery`. `names` tells what a person is called."""

    channel = CHANNEL

    def __init__(
        self,
        api: TeamsApi,
        limiter: RateLimiter,
        *,
        source_url: Callable[[CitedSource], str | None],
        names: Callable[[str], str],
        messages_per_second: float,
    ) -> None:
        self._api = api
        self._source_url = source_url
        self._names = names
        self._pace = Pace("Teams", limiter, messages_per_second, messages_per_second)

    def has_placeholder(self, address: Mapping[str, object]) -> bool:
        return True

    def open(self, address: Mapping[str, object], progress: Progress) -> str | None:
        at = self._opened(TeamsAddress.parse(address))
        with suppress(DeliveryUnavailable, DeliveryImpossible):  # a courtesy; the placeholder says the same
            self._api.post(at.service_url, at.conversation, TYPING)
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
        restate = asked.private or asked.message is None
        rendered = render_answer(
            message, url=self._source_url, names=self._names, restate=restate, language=at.language,
            now=datetime.now(UTC),
        )  # fmt: skip
        try:
            self._update(at, message_id, rendered)
        except Gone as error:
            if error.status != TOO_LARGE:
                raise
            log.warning("answer too large for Teams, shown without its frame", extra={"answer_id": message.answer_id})
            self._update(at, message_id, render_short(message.text))
        except DeliveryUnavailable as error:
            error.message_id = message_id
            raise
        return message_id

    def withdraw(self, address: Mapping[str, object], message_id: str | None) -> None:
        if message_id is None:
            return
        at = self._opened(TeamsAddress.parse(address))
        try:
            self._api.delete(at.service_url, at.conversation, message_id)
        except Gone as error:
            if error.status in UNSUPPORTED:
                self._update(at, message_id, render_gone(at.language))
            elif error.status != NOT_FOUND:
                raise

    def notify(self, address: Mapping[str, object], message_id: str | None, notice: Notice) -> str:
        if message_id == IN_DOUBT:
            return IN_DOUBT
        at = TeamsAddress.parse(address)
        at = self._opened(at if notice.kind in IN_PUBLIC else at.personal())
        rendered = render_notice(notice, self._names, at.language, datetime.now(UTC))
        if message_id is not None:
            self._update(at, message_id, rendered)
            return message_id
        try:
            return self._post(at, rendered)
        except DeliveryUncertain as error:
            if notice.kind is NoticeKind.ESCALATION:
                raise  # two calls for help are better than none
            log.warning("notice perhaps not shown", extra={"notice_id": notice.id, "error": str(error)})
            return IN_DOUBT

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
        conversation = self._api.open_personal(at.service_url, at.bot, at.account, at.tenant)
        return replace(at, conversation=conversation, kind=Kind.PERSONAL)

    def _post(self, at: TeamsAddress, activity: dict[str, Any]) -> str:
        with self._pace.posting(at.room_key):
            return self._api.post(at.service_url, at.conversation, _addressed(at, activity))

    def _update(self, at: TeamsAddress, message_id: str, activity: dict[str, Any], *, news: bool = False) -> None:
        with self._pace.updating(at.room_key, news=news):
            self._api.put(at.service_url, at.conversation, message_id, {**_addressed(at, activity), "id": message_id})


def _addressed(at: TeamsAddress, activity: dict[str, Any]) -> dict[str, Any]:
    return {"from": {"id": at.bot}, "conversation": {"id": at.conversation}, **activity}
