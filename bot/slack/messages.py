"""What people write in Slack, and what becomes of it: a question, a follow-up, a better answer, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from answerloop.domain import InboundQuestion, Respond, RoomSettings
from answerloop.errors import InvalidQuestion, NotAllowed, TooManyQuestions
from answerloop.slack.address import CHANNEL, Mode, SlackAddress, person_id, room_id
from answerloop.slack.mrkdwn import plain, without_mention
from bot.hearing import EXAMPLE, NOT_FOR_YOU, OFF, Hearing
from bot.intake import Intake
from bot.payload import MalformedPayload, field, optional
from bot.rooms import Rooms

OWN_WORDS = frozenset({None, "file_share"})
"""Subtypes of what a person wrote themselves."""
HOW_TO_ASK = f"Ask me a question, for example: /ask {EXAMPLE}"


@dataclass(frozen=True, slots=True)
class SlackSaid:
    """A `Said` of Slack. `thread` is the root of the thread it stands in; none for a new message."""

    workspace: str
    channel: str
    user: str
    text: str
    ts: str
    thread: str | None
    direct: bool
    mentioned: bool
    keys: tuple[str, ...]

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
        plain(without_mention(written, bot_user) if bot_user else written),
        ts,
        optional(event, "thread_ts"),
        direct=event.get("channel_type") == "im",
        mentioned=event.get("type") == "app_mention" or (bot_user is not None and f"<@{bot_user}" in written),
        keys=tuple(keys),
    )


class Messages:
    """What is Slack's own of asking; what was said goes to `Hearing`. Everything here is rows: Slack is only told that
    they are there."""

    def __init__(self, hearing: Hearing, intake: Intake, rooms: Rooms) -> None:
        self._hearing = hearing
        self._intake = intake
        self._rooms = rooms

    def hear(self, said: SlackSaid) -> None:
        """Raises MalformedPayload, DatabaseUnavailable."""
        self._hearing.hear(said)

    # --- other ways to ask

    def command(self, payload: Mapping[str, Any]) -> str:
        """`/ask`: what its sender is told at once. The answer replaces it. Raises MalformedPayload."""
        workspace, channel = field(payload, "team_id"), field(payload, "channel_id")
        user, trigger = field(payload, "user_id"), field(payload, "trigger_id")
        text = plain(optional(payload, "text") or "")
        if not text:
            return HOW_TO_ASK
        settings = self._rooms.settings_of(room_id(workspace, channel))
        address = SlackAddress(
            workspace,
            channel,
            user,
            Mode.EPHEMERAL,
            response_url=optional(payload, "response_url"),
            language=settings.language,
        )
        try:
            conversation = f"{workspace}:{channel}:ask:{user}"
            keys = (f"{CHANNEL}:{workspace}:trigger:{trigger[:120]}",)
            self._intake.accept(
                self._hearing.question(CHANNEL, address.person, conversation, text, keys, address, settings)
            )
        except (InvalidQuestion, TooManyQuestions) as error:
            return str(error)
        return "👀 I am looking through the documents …"

    def answer_message(self, payload: Mapping[str, Any]) -> None:
        """The shortcut "Answer this": in the thread of that message, for whoever chose it. Raises MalformedPayload."""
        workspace, channel = field(payload, "team", "id"), field(payload, "channel", "id")
        message = payload.get("message")
        if not isinstance(message, Mapping):
            raise MalformedPayload("message is missing")
        ts = field(message, "ts")
        key = message_key(workspace, channel, ts)
        thread = optional(message, "thread_ts")
        text = plain(optional(message, "text") or "")
        user = field(payload, "user", "id")
        if self._rooms.settings_of(room_id(workspace, channel)).ephemeral:
            key = f"{key}:{user}"  # each person is answered alone
        said = SlackSaid(
            workspace, channel, user, text, ts, thread, channel.startswith("D"), mentioned=True, keys=(key,)
        )
        self.hear(said)

    def share(self, answer_id: str, text: str, address: Mapping[str, Any]) -> InboundQuestion:
        """The question of a private answer, asked where everybody in the channel reads along. Raises NotAllowed where
        nothing is answered for everybody, or not for this person."""
        private = SlackAddress.parse(address)
        shared = SlackAddress(private.workspace, private.channel, private.user, language=private.language)
        settings = self._rooms.settings_of(room_id(private.workspace, private.channel))
        if settings.respond is Respond.OFF:
            raise NotAllowed(OFF)
        if settings.allow and private.user not in settings.allow:
            raise NotAllowed(NOT_FOR_YOU)
        if settings.ephemeral:
            raise NotAllowed("In this channel only the person who asks sees the answer.")
        again = f"{CHANNEL}:{private.workspace}:share:{answer_id}"
        conversation = f"{private.workspace}:{private.channel}:shared:{answer_id}"
        return self._hearing.question(CHANNEL, private.person, conversation, text, (again,), shared, settings)

    def edited(self, body: Mapping[str, Any], bot_user: str | None) -> None:
        """Raises MalformedPayload."""
        event = body.get("event")
        message = event.get("message") if isinstance(event, Mapping) else None
        if not isinstance(message, Mapping) or message.get("bot_id") or not optional(message, "user"):
            return
        if message.get("subtype") not in OWN_WORDS:
            return
        key = message_key(field(body, "team_id"), field(body, "event", "channel"), field(message, "ts"))
        written = optional(message, "text") or ""
        try:
            self._intake.edit(key, plain(without_mention(written, bot_user) if bot_user else written))
        except InvalidQuestion:
            return  # what stood there before is answered

    def deleted(self, body: Mapping[str, Any], ts: str) -> None:
        """Below a message that others replied to, as we do, Slack leaves a tombstone. Raises MalformedPayload."""
        self._intake.withdraw(message_key(field(body, "team_id"), field(body, "event", "channel"), ts))
