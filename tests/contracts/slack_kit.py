"""A small Slack with one channel, and our deliveries to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from answerloop.backends.chat_slack import SlackDelivery
from answerloop.slack.address import Mode, SlackAddress
from answerloop.slack.rendered import Style
from answerloop.testing.fake_chat import FakeRateLimiter
from answerloop.testing.slack_server import LOST, Fault, SlackServer, too_many
from answerloop.testing.slack_workspace import TEAM, Channel

ASKER, COLLEAGUE = "U01DANA", "U02FINN"
CHANNEL, DIRECT = "C01", "D01"


class Slack:
    """The platform as the conformance suite looks at it."""

    def __init__(self, server: SlackServer) -> None:
        self.server = server
        self.workspace = server.workspace
        self.workspace.channels = {CHANNEL: Channel([ASKER, COLLEAGUE]), DIRECT: Channel([ASKER])}
        self.workspace.users = {user: {"id": user, "name": user} for user in (ASKER, COLLEAGUE)}
        self.limiter = FakeRateLimiter()
        self.watched = CHANNEL
        self.question = self.workspace.say(CHANNEL, ASKER, "How long is leave?")

    def delivery(
        self,
        style: Style = Style.MODERN,
        tokens: Callable[[str], str] = "xoxb-{}".format,
    ) -> SlackDelivery:
        return SlackDelivery(
            tokens,
            self.limiter,
            api_url=self.server.url,
            style=style,
            source_url=lambda source: source.passage.url,
            messages_per_second=1.0,
            updates_per_minute=50.0,
        )

    def address(self, mode: Mode = Mode.THREAD, **changed: Any) -> dict[str, Any]:
        where = {"channel": CHANNEL, "thread": self.question, "message": self.question, **changed}
        return SlackAddress(TEAM, user=ASKER, mode=mode, **where).as_json()

    def messages(self, channel: str | None = None) -> list[dict[str, Any]]:
        return self.workspace.written_by_us(channel or self.watched)

    def reactions(self) -> set[str]:
        return {name for _, message, name in self.workspace.reactions if message == self.question}

    def seen(self) -> list[str]:
        return [json.dumps([m["text"], m.get("blocks")], ensure_ascii=False) for m in self.messages()]

    def lose_next_reply(self) -> None:
        """Whether it is a stream or an ordinary message."""
        for method in ("chat.startStream", "chat.postMessage"):
            self.server.fails(method, LOST)

    def be_busy_once(self, seconds: float) -> None:
        self.server.fails("chat.postMessage", too_many(int(seconds)))

    def delete_all(self) -> None:
        messages = self.workspace.channels[self.watched].messages
        messages[:] = [message for message in messages if not message.get("bot_id")]

    def refuse_once(self) -> None:
        self.server.fails("chat.postMessage", Fault(error="is_archived"))
