"""Activities of Teams, understood: who, where, and what was said. Pure functions."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from answerloop.domain import RoomSettings
from answerloop.teams.address import CHANNEL, Kind, TeamsAddress, room_id
from bot.payload import MalformedPayload, field, optional

Activity = Mapping[str, Any]

LONGEST_ID = 150
LONGEST_NAME = 200
PLATFORM = CHANNEL

READ_BY_SEVERAL = "19:"
"""How Teams' names of threads, of two people too, begin; the chat of a person with us has another one."""

_BREAK = re.compile(r"<(?:br|/p|/div|/li)\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Who did something, and where; `data` is what has to be known to reach them there again."""

    address: TeamsAddress
    name: str
    room_name: str

    @property
    def person(self) -> str:
        return self.address.person

    @property
    def room(self) -> str | None:
        return self.address.room

    @property
    def place(self) -> str:
        return room_id(self.address.tenant, self.address.conversation)


@dataclass(frozen=True, slots=True)
class TeamsSaid:
    """A `Said` of Teams."""

    where: Whereabouts
    text: str
    mentioned: bool
    keys: tuple[str, ...]
    conversation: str
    is_reply: bool
    platform: str = PLATFORM

    @property
    def person(self) -> str:
        return self.where.person

    @property
    def user(self) -> str:
        return self.where.address.user

    @property
    def place(self) -> str:
        return self.where.place

    @property
    def direct(self) -> bool:
        return self.where.address.kind is Kind.PERSONAL

    def address(self, settings: RoomSettings) -> TeamsAddress:
        at = replace(self.where.address, language=settings.language)
        return replace(at, private=settings.ephemeral) if not self.direct else at


def whereabouts(activity: Activity) -> Whereabouts:
    """Raises MalformedPayload."""
    conversation = _id(activity, "conversation", "id")
    account = _id(activity, "from", "id")
    at = TeamsAddress(
        tenant=tenant_of(activity),
        service_url=field(activity, "serviceUrl"),
        bot=_id(activity, "recipient", "id"),
        conversation=conversation,
        kind=_kind(activity, conversation),
        user=optional(activity, "from", "aadObjectId") or account,
        account=account,
        message=optional(activity, "id"),
    )
    if len(at.user) > LONGEST_ID:
        raise MalformedPayload("from.aadObjectId is too long")
    names = (("conversation", "name"), ("channelData", "channel", "name"), ("channelData", "team", "name"))
    room_name = next((name for path in names if (name := optional(activity, *path))), "")
    return Whereabouts(at, _name(optional(activity, "from", "name") or ""), _name(room_name))


def _name(name: str) -> str:
    """What people are called; a database need not take a NUL."""
    return "".join(each for each in name if each.isprintable())[:LONGEST_NAME]


def tenant_of(activity: Activity) -> str:
    """The tenant that the conversation belongs to, in small letters: Teams writes it either way. Raises
    MalformedPayload."""
    for path in (("conversation", "tenantId"), ("channelData", "tenant", "id")):
        if optional(activity, *path):
            return _id(activity, *path).lower()
    raise MalformedPayload("conversation.tenantId is missing")


def said(activity: Activity) -> TeamsSaid:
    """Of an activity `message`. Raises MalformedPayload."""
    where = whereabouts(activity)
    written = optional(activity, "text") or ""
    text, mentioned = _without_mention(written, activity, where.address.bot)
    key = message_key(activity)
    return TeamsSaid(where, plain(text), mentioned, (key,), conversation_key(activity), _is_reply(activity))


def message_key(activity: Activity) -> str:
    """The name of the message, the same when it is delivered again, edited or deleted. Raises MalformedPayload."""
    conversation = _id(activity, "conversation", "id").partition(";")[0]
    return f"{PLATFORM}:{tenant_of(activity)}:{conversation}:{_id(activity, 'id')}"


def conversation_key(activity: Activity) -> str:
    """A thread of a channel; in a chat, which never ends, what is said on one day."""
    conversation = _id(activity, "conversation", "id")
    if ";" in conversation:
        return f"{tenant_of(activity)}:{conversation}"
    day = (optional(activity, "timestamp") or "")[:10]
    return f"{tenant_of(activity)}:{conversation}:{day}"


def plain(text: str) -> str:
    """What a person typed, out of the markup that Teams sends."""
    text = _TAG.sub("", _BREAK.sub("\n", text))
    return html.unescape(text).replace("\xa0", " ").replace("\0", "").strip()


def _without_mention(text: str, activity: Activity, bot: str) -> tuple[str, bool]:
    """The text without our own name in it, and whether it was there."""
    mentioned = False
    entities = activity.get("entities")
    for entity in entities if isinstance(entities, list) else ():
        if not isinstance(entity, Mapping) or entity.get("type") != "mention":
            continue
        if optional(entity, "mentioned", "id") == bot:
            mentioned = True
            text = text.replace(optional(entity, "text") or "\0", " ")
    return text, mentioned


def _is_reply(activity: Activity) -> bool:
    """In a channel the conversation names the message that began the thread."""
    _, _, root = _id(activity, "conversation", "id").partition(";messageid=")
    return bool(root) and root != optional(activity, "id")


def _kind(activity: Activity, conversation: str) -> Kind:
    """The chat of two people calls itself personal too. In doubt others read along."""
    named = optional(activity, "conversation", "conversationType") or ""
    if named and named not in set(Kind):
        raise MalformedPayload("conversation.conversationType is none of Teams'")
    if named in (Kind.GROUP, Kind.CHANNEL):
        return Kind(named)
    if ";messageid=" in conversation:
        return Kind.CHANNEL
    is_group = _at(activity, "conversation", "isGroup") or conversation.startswith(READ_BY_SEVERAL)
    return Kind.GROUP if is_group else Kind.PERSONAL


def _at(activity: Activity, *path: str) -> Any:
    value: Any = activity
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _id(activity: Activity, *path: str) -> str:
    value = field(activity, *path)
    if len(value) > LONGEST_ID or not value.isprintable():
        raise MalformedPayload(f"{'.'.join(path)} is no name")
    return value
