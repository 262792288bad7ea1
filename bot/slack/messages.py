"""What people write in Slack, and what becomes of it: a question, a follow-up, a better answer, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from answerloop.domain import InboundQuestion, NoticeKind, Respond, RoomSettings
from answerloop.errors import InvalidQuestion, TooManyQuestions
from answerloop.slack.address import CHANNEL, Mode, SlackAddress, person_id, room_id
from answerloop.slack.mrkdwn import plain, without_mention
from bot.intake import Intake
from bot.payload import MalformedPayload, field, optional
from bot.people import AnswerActions
from bot.rooms import Rooms

OFF = "I do not answer in this channel. Send me a direct message instead."
NOT_FOR_YOU = "In this channel I only answer some people. Send me a direct message instead."
HOW_TO_ASK = "Ask me a question, for example: `/ask How many days of parental leave do I get?`"


@dataclass(frozen=True, slots=True)
class Said:
    """Something a person wrote. `thread` is the root of the thread it stands in; none for a new message."""

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
    def room(self) -> str:
        return room_id(self.workspace, self.channel)

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


def parse_said(body: Mapping[str, Any], bot_user: str | None) -> Said:
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
    return Said(
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
    """Decides about what was written. Everything it does is rows: Slack is only told that they are there."""

    def __init__(self, intake: Intake, rooms: Rooms, actions: AnswerActions, tenant: str) -> None:
        self._intake = intake
        self._rooms = rooms
        self._actions = actions
        self._tenant = tenant

    def hear(self, said: Said) -> None:
        """Raises MalformedPayload, DatabaseUnavailable."""
        settings = RoomSettings() if said.direct else self._rooms.settings_of(said.room)
        if said.direct or said.mentioned:
            self._ask_if_welcome(said, settings)
        elif settings.respond is Respond.OFF or not _welcome(said, settings):
            return
        elif said.thread and said.thread != said.ts:
            self._in_thread(said, settings)
        elif settings.respond is Respond.ALL or (settings.respond is Respond.QUESTIONS and _is_question(said.text)):
            self._ask(said, settings)

    def _in_thread(self, said: Said, settings: RoomSettings) -> None:
        """A reply of the asker, or a question of anybody, is a follow-up; what a colleague tells may be the better
        answer."""
        owner = self._intake.owner_of(CHANNEL, said.conversation)
        if owner is None:
            return
        if owner == said.person or _is_question(said.text):
            self._ask(said, settings)
        elif said.text:
            address = said.address(settings).as_json()
            key = message_key(said.workspace, said.channel, said.ts)
            self._actions.offer_suggestion(CHANNEL, said.conversation, address, said.person, said.text, key)

    def _ask_if_welcome(self, said: Said, settings: RoomSettings) -> None:
        if settings.respond is Respond.OFF:
            self._tell(said, settings, OFF)
        elif not _welcome(said, settings):
            self._tell(said, settings, NOT_FOR_YOU)
        elif not said.text:
            self._tell(said, settings, HOW_TO_ASK)
        else:
            self._ask(said, settings)

    def _ask(self, said: Said, settings: RoomSettings) -> None:
        address = said.address(settings)
        try:
            self._intake.accept(
                InboundQuestion(
                    CHANNEL,
                    self._tenant,
                    said.person,
                    said.conversation,
                    said.text,
                    said.keys,
                    address.as_json(),
                    address.room,
                    settings.sources,
                )
            )
        except TooManyQuestions as error:
            self._tell(said, settings, str(error), NoticeKind.SLOW_DOWN)
        except InvalidQuestion as error:
            self._tell(said, settings, str(error))

    def _tell(self, said: Said, settings: RoomSettings, text: str, kind: NoticeKind = NoticeKind.REFUSED) -> None:
        """For their eyes alone, once for each message."""
        self._actions.tell(CHANNEL, said.address(settings).as_json(), kind, text, f"{kind}:{said.keys[0]}")

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
            self._intake.accept(
                InboundQuestion(
                    CHANNEL,
                    self._tenant,
                    address.person,
                    f"{workspace}:{channel}:ask:{user}",
                    text,
                    (f"{CHANNEL}:{workspace}:trigger:{trigger[:120]}",),
                    address.as_json(),
                    None,
                    settings.sources,
                )
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
        said = Said(workspace, channel, user, text, ts, thread, channel.startswith("D"), mentioned=True, keys=(key,))
        self.hear(said)

    def share(self, text: str, address: Mapping[str, Any]) -> InboundQuestion:
        """The question of a private answer, asked where everybody in the channel reads along."""
        private = SlackAddress.parse(address)
        shared = SlackAddress(private.workspace, private.channel, private.user, language=private.language)
        settings = self._rooms.settings_of(room_id(private.workspace, private.channel))
        again = f"{CHANNEL}:{private.workspace}:share:{private.channel}:{private.user}:{hash_of(text)}"
        return InboundQuestion(
            CHANNEL,
            self._tenant,
            private.person,
            f"{private.workspace}:{private.channel}:shared:{hash_of(text)}",
            text,
            (again,),
            shared.as_json(),
            shared.room,
            settings.sources,
        )

    def edited(self, body: Mapping[str, Any], bot_user: str | None) -> None:
        """Raises MalformedPayload."""
        event = body.get("event")
        message = event.get("message") if isinstance(event, Mapping) else None
        if not isinstance(message, Mapping) or message.get("bot_id") or not optional(message, "user"):
            return
        key = message_key(field(body, "team_id"), field(body, "event", "channel"), field(message, "ts"))
        written = optional(message, "text") or ""
        try:
            self._intake.edit(key, plain(without_mention(written, bot_user) if bot_user else written))
        except InvalidQuestion:
            return  # what stood there before is answered

    def deleted(self, body: Mapping[str, Any]) -> None:
        """Raises MalformedPayload."""
        ts = field(body, "event", "deleted_ts")
        self._intake.withdraw(message_key(field(body, "team_id"), field(body, "event", "channel"), ts))


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_question(text: str) -> bool:
    return text.rstrip(" )\"'”").endswith("?")


def _welcome(said: Said, settings: RoomSettings) -> bool:
    return not settings.allow or said.user in settings.allow
