"""Where in Teams something goes: the plain JSON that the delivery rows keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

CHANNEL = "teams"


class Kind(StrEnum):
    """A conversation, as Teams calls it."""

    PERSONAL = "personal"
    GROUP = "groupChat"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class TeamsAddress:
    """`conversation` names a channel's thread too (`19:…;messageid=…`); empty, where the personal chat with the user
    has to be opened first. `user` is their Entra object id, `account` how Teams calls them towards us (`29:…`), `bot`
    how it calls us (`28:…`). `message` is the question itself. `private` is what goes to the asker alone, although it
    was asked where others read along."""

    tenant: str
    service_url: str
    bot: str
    conversation: str
    kind: Kind
    user: str
    account: str = ""
    message: str | None = None
    private: bool = False
    language: str = "en"

    @property
    def person(self) -> str:
        return person_id(self.tenant, self.user)

    @property
    def room(self) -> str | None:
        """Where others read along, as the directory names it."""
        if self.private or self.kind is Kind.PERSONAL:
            return None
        return room_id(self.tenant, self.conversation)

    @property
    def room_key(self) -> str:
        return f"{self.tenant}:{self.conversation.partition(';')[0]}"

    def personal(self) -> TeamsAddress:
        """The chat with the user alone."""
        if self.kind is Kind.PERSONAL:
            return self
        return replace(self, conversation="", kind=Kind.PERSONAL, message=None, private=False)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> TeamsAddress:
        address = cls(**stored)
        return replace(address, kind=Kind(address.kind))


def to_person(address: Mapping[str, Any]) -> dict[str, Any]:
    """Where whoever asked there is told something that nobody else is to read."""
    return TeamsAddress.parse(address).personal().as_json()


def person_id(tenant: str, user: str) -> str:
    return f"{CHANNEL}:{tenant.lower()}:{user}"


def room_id(tenant: str, conversation: str) -> str:
    """Of a chat or a channel; all threads of a channel have the same readers."""
    return f"{CHANNEL}:{tenant.lower()}:{conversation.partition(';')[0]}"


def parts(directory_id: str) -> tuple[str, str]:
    """Tenant and user or conversation of an id that the directory knows. Raises ValueError for another platform's."""
    platform, tenant, own = directory_id.split(":", 2)
    if platform != CHANNEL:
        raise ValueError(f"{directory_id} is not of {CHANNEL}")
    return tenant, own
