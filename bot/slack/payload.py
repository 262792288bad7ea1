"""The message of a person, as Slack's requests tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from answerloop.domain import RoomSettings
from answerloop.slack.address import CHANNEL, Mode, SlackAddress, person_id, room_id
from answerloop.slack.mrkdwn import mentions, plain, without_mention
from bot.payload import MalformedPayload, field, optional


@dataclass(frozen=True, slots=True)
class SlackSaid:
    """A `Said` of Slack. `thread` is the root of the thread it stands in; none for a new message. Through
    `response_url` whoever chose it is reached where we are no member."""

    workspace: str
    channel: str
    user: str
    text: str
    ts: str
    thread: str | None
    direct: bool
    mentioned: bool
    keys: tuple[str, ...]
    response_url: str | None = None

    @property
    def person(self) -> str:
        return person_id(self.workspace, self.user)

    @property
    def platform(self) -> str:
        return CHANNEL

    @property
    def place(self) -> str:
        return room_id(self.workspace, self.channel)

    @property
    def is_reply(self) -> bool:
        return self.thread is not None and self.thread != self.ts

    @property
    def conversation(self) -> str:
        return f"{self.workspace}:{self.channel}:{self.thread or self.ts}"

    def address(self, settings: RoomSettings) -> SlackAddress:
        mode = Mode.DIRECT if self.direct else Mode.EPHEMERAL if settings.ephemeral else Mode.THREAD
        return SlackAddress(
            self.workspace,
            self.channel,
            self.user,
            mode,
            thread=self.thread or self.ts,
            message=self.ts,
            response_url=self.response_url,
            language=settings.language,
        )


def message_key(workspace: str, channel: str, ts: str) -> str:
    return f"{CHANNEL}:{workspace}:{channel}:{ts}"


def parse_said(body: Mapping[str, Any], bot_user: str | None) -> SlackSaid:
    """Of an event `app_mention` or `message`. Raises MalformedPayload."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        raise MalformedPayload("event is missing")
    workspace, channel, ts = field(body, "team_id"), field(event, "channel"), field(event, "ts")
    written = optional(event, "text") or ""
    keys = [message_key(workspace, channel, ts)]
    for name, value in (("event", optional(body, "event_id")), ("client", optional(event, "client_msg_id"))):
        if value:
            keys.append(f"{CHANNEL}:{workspace}:{name}:{value[:80]}")
    return SlackSaid(
        workspace,
        channel,
        field(event, "user"),
        meant(written, bot_user),
        ts,
        optional(event, "thread_ts"),
        direct=event.get("channel_type") == "im",
        mentioned=event.get("type") == "app_mention" or (bot_user is not None and mentions(written, bot_user)),
        keys=tuple(keys),
    )


def meant(written: str, bot_user: str | None) -> str:
    """What was said, without our own name in it."""
    return plain(without_mention(written, bot_user) if bot_user else written)
