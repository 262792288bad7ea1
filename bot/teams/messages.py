"""What people write in Teams, and what becomes of it. Everything is rows: Teams is only told that they are there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from answerloop.domain import InboundQuestion, NoticeKind, Respond
from answerloop.errors import InvalidQuestion, NotAllowed, NotFound
from answerloop.teams.address import Kind, TeamsAddress, room_id
from bot.hearing import HOW_TO_ASK, NOT_FOR_YOU, OFF, Hearing
from bot.intake import Intake
from bot.payload import MalformedPayload, field, optional
from bot.people import AnswerActions
from bot.rooms import Rooms
from bot.teams.heard import (
    PLATFORM,
    Activity,
    TeamsSaid,
    conversation_key,
    message_key,
    plain,
    said,
    whereabouts,
)
from bot.teams.places import Places
from bot.teams.reply import Reply, done

HELP = frozenset({"help", "hilfe", "home", "?"})
ANSWER_THIS, SUGGEST = "answerThis", "suggestAnswer"
IN_THE_THREAD = "I am looking it up. The answer comes in the thread of this message."
IN_OUR_CHAT = "I am looking it up. The answer comes in the chat with me, for you alone."
NOWHERE = "This was asked in our chat; there is nowhere to share it."
NO_THREAD = "Choose a reply below one of my answers."
THANKS = "Thank you, that helps."

_MESSAGE_ID = re.compile(r"[0-9A-Za-z._-]{1,100}")


class Messages:
    """Each method raises MalformedPayload, DatabaseUnavailable."""

    def __init__(self, hearing: Hearing, intake: Intake, actions: AnswerActions, places: Places, rooms: Rooms) -> None:
        self._hearing = hearing
        self._intake = intake
        self._actions = actions
        self._places = places
        self._rooms = rooms

    def written(self, activity: Activity) -> None:
        heard = said(activity)
        self._places.seen(heard.where)
        if heard.direct and heard.text.casefold() in HELP:
            self.home(activity)
        else:
            self._hearing.hear(heard)

    def home(self, activity: Activity) -> None:
        """What the assistant knows, and how to ask: in the chat with the person."""
        where = whereabouts(activity)
        key = f"home:{message_key(activity)}"
        address = where.address.personal().as_json()
        self._actions.tell(PLATFORM, address, NoticeKind.HOME, "", key[:255], people=(where.person,))

    def share(self, answer_id: str, text: str, address: Mapping[str, Any]) -> InboundQuestion:
        """The question of a private answer, asked where everybody reads along. Raises NotAllowed."""
        private = TeamsAddress.parse(address)
        if not private.private:
            raise NotAllowed(NOWHERE)
        settings = self._rooms.settings_of(room_id(private.tenant, private.conversation))
        if settings.respond is Respond.OFF:
            raise NotAllowed(OFF)
        if settings.allow and private.user not in settings.allow:
            raise NotAllowed(NOT_FOR_YOU)
        shared = replace(private, message=None, private=False, language=settings.language)
        keys = (f"{PLATFORM}:{private.tenant}:share:{answer_id}",)
        conversation = f"{private.tenant}:{private.conversation}:shared:{answer_id}"[:255]
        return self._hearing.question(PLATFORM, private.person, conversation, text, keys, shared, settings)

    def edited(self, activity: Activity) -> None:
        heard = said(activity)
        try:
            self._intake.edit(heard.keys[0], heard.text)
        except InvalidQuestion:
            return  # what stood there before is answered

    def deleted(self, activity: Activity) -> None:
        self._intake.withdraw(message_key(activity))

    def come(self, activity: Activity) -> None:
        """We were installed, or added to a chat or a team. Of an installation Teams tells in two ways; one of them
        greets."""
        where = whereabouts(activity)
        self._places.come(where)
        if where.address.kind is Kind.PERSONAL and activity.get("type") == "installationUpdate":
            self.home(activity)

    def gone(self, activity: Activity) -> None:
        self._places.left(whereabouts(activity))

    # --- the menu of a message

    def chosen(self, activity: Activity) -> Reply:
        """ "Answer this", or "Suggest as better answer", in the menu of somebody's message."""
        value = activity.get("value")
        payload = value.get("messagePayload") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(payload, Mapping):
            raise MalformedPayload("value.messagePayload is missing")
        text = plain(optional(payload, "body", "content") or "")
        match field(value, "commandId"):
            case "answerThis":
                return self._answer_this(activity, payload, text)
            case "suggestAnswer":
                return self._suggest(activity, text)
        raise MalformedPayload("value.commandId is none of ours")

    def _answer_this(self, activity: Activity, payload: Mapping[str, Any], text: str) -> Reply:
        """In the thread of that message where we are; else in the chat with whoever chose it."""
        where = whereabouts(activity)
        chosen = field(payload, "id")
        if not _MESSAGE_ID.fullmatch(chosen):  # unlike all other ids it comes from the person's own program
            raise MalformedPayload("value.messagePayload.id is none of Teams'")
        key = message_key({**activity, "id": chosen})
        here = where.room is not None and self._places.known(where.place) is not None
        if here:
            at, conversation = replace(where.address, message=chosen), conversation_key(activity)
            alone = self._rooms.settings_of(where.place).ephemeral
        else:
            at, conversation, alone = where.address.personal(), _alone(key, where.address.user), True
        # what one person asked alone is not answered for another one
        name = _alone(key, where.address.user) if alone else key
        asked = TeamsSaid(replace(where, address=at), text, True, (name,), conversation, is_reply=False)
        if not text:
            return done(HOW_TO_ASK)
        self._hearing.hear(asked)
        return done(IN_OUR_CHAT if alone else IN_THE_THREAD)

    def _suggest(self, activity: Activity, text: str) -> Reply:
        where = whereabouts(activity)
        if where.room is None or not text:
            return done(NO_THREAD)
        try:
            self._actions.suggest(PLATFORM, conversation_key(activity), where.person, where.room, text)
        except NotFound:
            return done(NO_THREAD)
        return done(THANKS)


def _alone(key: str, user: str) -> str:
    """A name for what one person asked alone about a message; never that of somebody else, however long they are."""
    return f"alone:{hashlib.sha256(repr((key, user)).encode()).hexdigest()}"
