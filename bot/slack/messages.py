"""What people write in Slack, and what becomes of it: a question, a follow-up, a better answer, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from answerloop.domain import InboundQuestion, Respond, RoomSettings
from answerloop.errors import InvalidQuestion, NotAllowed, TooManyQuestions
from answerloop.slack.address import CHANNEL, Mode, SlackAddress, room_id
from answerloop.slack.mrkdwn import plain
from bot.hearing import EXAMPLE, NOT_FOR_YOU, OFF, Hearing
from bot.intake import Intake
from bot.payload import MalformedPayload, field, optional
from bot.rooms import Rooms
from bot.slack.payload import SlackSaid, meant, message_key

TOMBSTONE = "tombstone"
"""What a deleted message becomes that has replies."""
HOW_TO_ASK = f"Ask me a question, for example: /ask {EXAMPLE}"


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

    def answer_message(self, payload: Mapping[str, Any], bot_user: str | None) -> None:
        """The shortcut "Answer this": in the thread of that message, for whoever chose it. For them alone in direct
        messages, which may be those of two people, where we cannot write. Raises MalformedPayload."""
        workspace, channel = field(payload, "team", "id"), field(payload, "channel", "id")
        message = payload.get("message")
        if not isinstance(message, Mapping):
            raise MalformedPayload("message is missing")
        ts, written, user = field(message, "ts"), optional(message, "text") or "", field(payload, "user", "id")
        said = SlackSaid(
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
        settings = self._rooms.settings_of(said.place) if among_people else RoomSettings(ephemeral=True)
        if settings.ephemeral:  # what one person asked alone is not answered for another one
            said = replace(said, keys=(f"{said.keys[0]}:{user}",))
        self._hearing.ask(said, settings)

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
        keys = (f"{CHANNEL}:{private.workspace}:share:{answer_id}",)
        conversation = f"{private.workspace}:{private.channel}:shared:{answer_id}"
        return self._hearing.question(CHANNEL, private.person, conversation, text, keys, shared, settings)

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
