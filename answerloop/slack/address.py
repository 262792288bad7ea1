"""Where in Slack something goes: the plain JSON that the delivery rows keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

CHANNEL = "slack"


class Mode(StrEnum):
    """How an answer is shown there."""

    THREAD = "thread"  # below the question, for everybody in the channel
    DIRECT = "direct"  # in the direct messages with the asker
    EPHEMERAL = "ephemeral"  # in the channel, for the asker's eyes alone


@dataclass(frozen=True, slots=True)
class SlackAddress:
    """`thread` is the message at the root of the thread, `message` the question itself; both may be missing.

    `channel` is a user's id where a direct message has to be opened first.
    """

    workspace: str
    channel: str
    user: str
    mode: Mode = Mode.THREAD
    thread: str | None = None
    message: str | None = None
    response_url: str | None = None
    language: str = "en"

    @property
    def person(self) -> str:
        return person_id(self.workspace, self.user)

    @property
    def room(self) -> str | None:
        """Where others read along, as the directory names it."""
        return room_id(self.workspace, self.channel) if self.mode is Mode.THREAD else None

    @property
    def room_key(self) -> str:
        return f"{self.workspace}:{self.channel}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> SlackAddress:
        address = cls(**stored)
        return replace(address, mode=Mode(address.mode))


def to_person(address: Mapping[str, Any]) -> dict[str, Any]:
    """Where whoever asked there is told something that need not stand there: in direct messages, which stay."""
    at = SlackAddress.parse(address)
    if at.mode is Mode.DIRECT:
        return at.as_json()
    return SlackAddress(at.workspace, at.user, at.user, Mode.DIRECT, language=at.language).as_json()


def person_id(workspace: str, user: str) -> str:
    return f"{CHANNEL}:{workspace}:{user}"


def room_id(workspace: str, channel: str) -> str:
    return f"{CHANNEL}:{workspace}:{channel}"


def parts(directory_id: str) -> tuple[str, str]:
    """Workspace and user or channel of an id that the directory knows. Raises ValueError for another platform's."""
    platform, workspace, own = directory_id.split(":", 2)
    if platform != CHANNEL:
        raise ValueError(f"{directory_id} is not of {CHANNEL}")
    return workspace, own
