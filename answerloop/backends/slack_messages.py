"""Messages that everybody in a channel sees: posted once, brought up to date, found again."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from slack_sdk import WebClient

from answerloop.backends.chat_pace import Pace
from answerloop.backends.slack_api import Gone, call
from answerloop.errors import MessageDeleted
from answerloop.slack.address import SlackAddress
from answerloop.slack.rendered import Rendered, Style

log = logging.getLogger(__name__)
T = TypeVar("T")

STREAM = "stream:"
"""How the id of a message starts that is a stream still."""
EVENT = "answerloop"
BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
DELETED = "message_not_found"
MOST_READ = 200

Render = Callable[[Style], Rendered]


def with_fallback(style: Style, render: Render, put: Callable[[Rendered], T]) -> T:
    """Classic blocks where Slack refuses the modern ones, bare text where it refuses those too."""
    classic = render(Style.CLASSIC)
    tries = [render(style), *([classic] if style is not Style.CLASSIC else []), Rendered(classic.text, [])]
    for rendered in tries[:-1]:
        try:
            return put(rendered)
        except Gone as error:
            if error.code not in BLOCKS_REFUSED:
                raise
            log.warning("blocks refused, simpler ones instead", extra={"error": error.code})
    return put(tries[-1])


def ts_of(message_id: str) -> str:
    return message_id.removeprefix(STREAM)


class Messages:
    def __init__(self, pace: Pace, style: Style) -> None:
        self._pace = pace
        self._style = style

    def put(self, slack: WebClient, at: SlackAddress, message_id: str | None, render: Render, subject: str) -> str:
        """In place of that message, or as a new one."""
        if message_id is None:
            return self._post(slack, at, render, subject)
        return self.update(slack, at, message_id, render, subject)

    def _post(self, slack: WebClient, at: SlackAddress, render: Render, subject: str) -> str:
        def post(rendered: Rendered) -> str:
            posted = call(
                slack.chat_postMessage,
                channel=at.channel,
                thread_ts=at.thread,
                unfurl_links=False,
                unfurl_media=False,
                **_content(rendered, subject),
            )
            return str(posted["ts"])

        with self._pace.posting(at.room_key):
            return with_fallback(self._style, render, post)

    def update(
        self, slack: WebClient, at: SlackAddress, message_id: str, render: Render, subject: str, *, news: bool = False
    ) -> str:
        def update(rendered: Rendered) -> str:
            ts = ts_of(message_id)
            try:
                call(slack.chat_update, channel=at.channel, ts=ts, **_content(rendered, subject))
            except Gone as error:
                if error.code != DELETED:
                    raise
                raise MessageDeleted(str(error)) from None
            return ts

        with self._pace.updating(at.workspace, news=news):
            self._end_stream(slack, at, message_id)
            return with_fallback(self._style, render, update)

    def delete(self, slack: WebClient, at: SlackAddress, message_id: str) -> None:
        with self._pace.updating(at.workspace):
            self._end_stream(slack, at, message_id)
            try:
                call(slack.chat_delete, channel=at.channel, ts=ts_of(message_id))
            except Gone as error:
                if error.code != DELETED:
                    raise

    def _end_stream(self, slack: WebClient, at: SlackAddress, message_id: str) -> None:
        """Slack changes and deletes no stream that runs. It may have ended by itself, or be gone."""
        if message_id.startswith(STREAM):
            with suppress(Gone):
                call(slack.chat_stopStream, channel=at.channel, ts=ts_of(message_id))

    def find(self, slack: WebClient, at: SlackAddress, subject: str) -> str | None:
        """By its metadata; a stream has none yet, and is found by the ids of its steps."""
        arguments = {"channel": at.channel, "include_all_metadata": True, "limit": MOST_READ}
        if at.thread:
            since = {"oldest": at.message, "inclusive": True} if at.message else {}
            found = call(slack.conversations_replies, ts=at.thread, **arguments, **since)
        else:
            found = call(slack.conversations_history, **arguments)
        for message in found.get("messages", []):
            payload = (message.get("metadata") or {}).get("event_payload", {})
            if payload.get("subject") == subject:
                return str(message["ts"])
            if not payload and message.get("bot_id") and f'"{subject}-' in json.dumps(message):
                return f"{STREAM}{message['ts']}"
        return None


def _content(rendered: Rendered, subject: str) -> dict[str, Any]:
    """Not parsed: Slack makes no link of what looks like an address, which an update would by default."""
    metadata = {"event_type": EVENT, "event_payload": {"subject": subject}}
    return {"text": rendered.text, "blocks": rendered.blocks, "metadata": metadata, "parse": "none"}
