"""What people write in Slack, and what becomes of it: a question, a follow-up, a better answer, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from answerloop.domain import InboundQuestion, NoticeKind, Respond, RoomSettings
from answerloop.errors import InvalidQuestion, NotAllowed, TooManyQuestions
from answerloop.slack.address import CHANNEL, Mode, SlackAddress, room_id
from answerloop.slack.mrkdwn import plain
from bot.intake import Intake
from bot.people import AnswerActions
from bot.rooms import Rooms
from bot.slack.payload import MalformedPayload, Said, field, meant, message_key, optional

TOMBSTONE = "tombstone"
"""What a deleted message becomes that has replies."""
OFF = "I do not answer in this channel. Send me a direct message instead."
NOT_FOR_YOU = "In this channel I only answer some people. Send me a direct message instead."
HOW_TO_ASK = "Ask me a question, for example: /ask How many days of parental leave do I get?"


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
        key = f"{kind}:{said.keys[0]}:{said.user}"
        self._actions.tell(CHANNEL, said.address(settings).as_json(), kind, text, key)

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

    def answer_message(self, payload: Mapping[str, Any], bot_user: str | None) -> None:
        """The shortcut "Answer this": in the thread of that message, for whoever chose it. For them alone in direct
        messages, which may be those of two people, where we cannot write. Raises MalformedPayload."""
        workspace, channel = field(payload, "team", "id"), field(payload, "channel", "id")
        message = payload.get("message")
        if not isinstance(message, Mapping):
            raise MalformedPayload("message is missing")
        ts, written, user = field(message, "ts"), optional(message, "text") or "", field(payload, "user", "id")
        said = Said(
            workspace,
            channel,
            user,
            meant(written, bot_user),
            ts,
            optional(message, "thread_ts"),
            direct=False,
            mentioned=True,
            keys=(message_key(workspace, channel, ts),),
            response_url=optional(payload, "response_url"),
        )
        among_people = not channel.startswith("D")
        settings = self._rooms.settings_of(said.room) if among_people else RoomSettings(ephemeral=True)
        if settings.ephemeral:  # what one person asked alone is not answered for another one
            said = replace(said, keys=(f"{said.keys[0]}:{user}",))
        self._ask_if_welcome(said, settings)

    def share(
        self, answer_id: str, text: str, address: Mapping[str, Any], response_url: str | None = None
    ) -> InboundQuestion:
        """The question of a private answer, asked where everybody in the channel reads along. Raises NotAllowed."""
        private = SlackAddress.parse(address)
        settings = self._rooms.settings_of(room_id(private.workspace, private.channel))
        if settings.respond is Respond.OFF:
            raise NotAllowed(OFF)
        if settings.allow and private.user not in settings.allow:
            raise NotAllowed(NOT_FOR_YOU)
        shared = SlackAddress(
            private.workspace, private.channel, private.user, response_url=response_url, language=settings.language
        )
        return InboundQuestion(
            CHANNEL,
            self._tenant,
            private.person,
            f"{private.workspace}:{private.channel}:shared:{answer_id}",
            text,
            (f"{CHANNEL}:{private.workspace}:share:{answer_id}",),
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
        if message.get("subtype") == TOMBSTONE:
            self._intake.withdraw(key)
            return
        with suppress(InvalidQuestion):  # then what stood there before is answered
            self._intake.edit(key, meant(optional(message, "text") or "", bot_user))

    def deleted(self, body: Mapping[str, Any]) -> None:
        """Raises MalformedPayload."""
        ts = field(body, "event", "deleted_ts")
        self._intake.withdraw(message_key(field(body, "team_id"), field(body, "event", "channel"), ts))


def _is_question(text: str) -> bool:
    return text.rstrip(" )\"'”").endswith("?")


def _welcome(said: Said, settings: RoomSettings) -> bool:
    return not settings.allow or said.user in settings.allow
