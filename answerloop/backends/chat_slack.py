"""Delivery to Slack. A message is a placeholder first, then the answer: posted once, brought up to date ever after.

Where Slack offers its agent experience the placeholder is a stream with the steps of the work. Anywhere else, and
whenever a stream fails, the same is shown by updating an ordinary message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from slack_sdk import WebClient

from answerloop.backends.chat_pace import Pace
from answerloop.backends.slack_api import Gone, call, client
from answerloop.backends.slack_messages import STREAM, Messages, Render
from answerloop.backends.slack_private import PrivateMessages
from answerloop.backends.slack_signs import Signs
from answerloop.domain import CitedSource, Notice, NoticeKind, OutgoingMessage, Progress
from answerloop.errors import DeliveryUncertain
from answerloop.ports import RateLimiter
from answerloop.slack.address import CHANNEL, Mode, SlackAddress
from answerloop.slack.answer import render_answer
from answerloop.slack.notices import render_notice
from answerloop.slack.progress import render_progress
from answerloop.slack.rendered import Rendered, Style

log = logging.getLogger(__name__)

PRIVATE = "private"
"""The id of a message that only its reader sees: Slack tells us none that could be used again."""
NO_ANSWER = frozenset({NoticeKind.SLOW_DOWN, NoticeKind.REFUSED})
"""Notices that come in place of an answer."""
NOT_THERE = frozenset({"channel_not_found", "is_archived", "not_in_channel", "user_not_in_channel"})
"""What Slack says where we, or they, are no member."""


class SlackDelivery:
    """A `ChatDelivery`. `tokens` gives a workspace's bot token and raises DeliveryImpossible when it has none."""

    channel = CHANNEL
    searchable = True

    def __init__(
        self,
        tokens: Callable[[str], str],
        limiter: RateLimiter,
        *,
        api_url: str,
        style: Style,
        source_url: Callable[[CitedSource], str | None],
        messages_per_second: float,
        updates_per_minute: float,
    ) -> None:
        self._tokens = tokens
        self._api_url = api_url
        self._style = style
        self._source_url = source_url
        pace = Pace("Slack", limiter, messages_per_second, updates_per_minute / 60)
        self._messages = Messages(pace, style)
        self._private = PrivateMessages(pace, style, api_url)
        self._signs = Signs(pace)

    def has_placeholder(self, address: Mapping[str, object]) -> bool:
        """Where the answer is for one reader, the acknowledgement of their command stands, or nothing."""
        return SlackAddress.parse(address).mode is not Mode.EPHEMERAL

    def open(self, address: Mapping[str, object], progress: Progress) -> str | None:
        at = SlackAddress.parse(address)
        slack = self._client(at)
        self._signs.arrived(slack, at, progress)
        if at.mode is Mode.EPHEMERAL:
            return None
        stream = self._signs.start_stream(slack, at, progress) if self._style is Style.MODERN else None
        return stream or self._messages.put(slack, at, None, _progress(at, progress), progress.question_id)

    def show(self, address: Mapping[str, object], message_id: str | None, progress: Progress) -> None:
        if message_id is None or message_id == PRIVATE:
            return
        at = SlackAddress.parse(address)
        slack = self._client(at)
        if message_id.startswith(STREAM) and self._signs.append(slack, at, message_id, progress):
            return
        self._messages.update(slack, at, message_id, _progress(at, progress), progress.question_id, news=True)

    def deliver(self, address: Mapping[str, object], message_id: str | None, message: OutgoingMessage) -> str:
        at = SlackAddress.parse(address)
        slack = self._client(at)
        render = self._answer(at, message)
        if at.mode is Mode.EPHEMERAL:
            self._private.answer(slack, at, render, again=message_id is not None)
            message_id = PRIVATE
        else:
            message_id = self._messages.put(slack, at, message_id, render, message.question_id)
        self._signs.answered(slack, at, message.escalation)
        return message_id

    def withdraw(self, address: Mapping[str, object], message_id: str | None) -> None:
        at = SlackAddress.parse(address)
        slack = self._client(at)
        self._signs.gone(slack, at)
        if at.mode is Mode.EPHEMERAL:
            self._private.withdraw(at)
        elif message_id:
            self._messages.delete(slack, self._reachable(slack, at), message_id)

    def notify(self, address: Mapping[str, object], message_id: str | None, notice: Notice) -> str:
        at = SlackAddress.parse(address)
        slack = self._client(at)
        rendered = render_notice(notice, at.language)
        if notice.kind.is_public or at.mode is Mode.DIRECT:
            return self._messages.put(slack, self._reachable(slack, at), message_id, lambda _: rendered, notice.id)
        if message_id is not None:
            return message_id
        below = at.mode is Mode.THREAD and notice.kind not in NO_ANSWER
        try:
            self._private.notice(slack, at, lambda _: rendered, below=below)
        except Gone as error:
            if notice.kind not in NO_ANSWER or error.code not in NOT_THERE:
                raise
            self._tell_directly(slack, at, rendered, notice)
        return PRIVATE

    def _tell_directly(self, slack: WebClient, at: SlackAddress, rendered: Rendered, notice: Notice) -> None:
        """Why there is no answer, to somebody in a channel where we cannot write; once, as all that one person sees."""
        there = SlackAddress(at.workspace, at.user, at.user, Mode.DIRECT)
        try:
            self._messages.put(slack, self._reachable(slack, there), None, lambda _: rendered, notice.id)
        except DeliveryUncertain as error:
            log.warning("private message perhaps not shown", extra={"error": str(error)})

    def find(self, address: Mapping[str, object], subject_id: str) -> str | None:
        at = SlackAddress.parse(address)
        if at.mode is Mode.EPHEMERAL:
            return PRIVATE
        slack = self._client(at)
        return self._messages.find(slack, self._reachable(slack, at), subject_id)

    def _answer(self, at: SlackAddress, message: OutgoingMessage) -> Render:
        private, now = at.mode is Mode.EPHEMERAL, datetime.now(UTC)
        return lambda style: render_answer(
            message,
            style,
            url=self._source_url,
            private=private,
            shareable=private and not at.channel.startswith("D"),
            restate=private or at.message is None,
            language=at.language,
            now=now,
        )

    def _client(self, at: SlackAddress) -> WebClient:
        return client(self._tokens(at.workspace), self._api_url)

    def _reachable(self, slack: WebClient, at: SlackAddress) -> SlackAddress:
        """With the direct channel of a person whom the address names."""
        if not at.channel.startswith(("U", "W")):
            return at
        opened = call(slack.conversations_open, users=at.channel)
        return replace(at, channel=str(opened["channel"]["id"]))


def _progress(at: SlackAddress, progress: Progress) -> Render:
    return lambda _: render_progress(progress, at.language)
