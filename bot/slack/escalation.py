"""Where people are called when somebody asks for a human, and who is tagged there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from answerloop.slack.address import Mode, SlackAddress, person_id, room_id
from bot.people import Call
from bot.rooms import Rooms


class Escalation:
    """In the thread, where everybody sees the question; else in the channel for this, else with each of them."""

    def __init__(self, rooms: Rooms, people: Sequence[str], channel: str) -> None:
        self._rooms = rooms
        self._people = people
        self._channel = channel

    def __call__(self, room: str | None, address: Mapping[str, Any]) -> list[Call]:
        at = SlackAddress.parse(address)
        named = self._rooms.settings_of(room_id(at.workspace, at.channel)).escalation or self._people
        tagged = tuple(person_id(at.workspace, user) for user in named)
        if room is not None:
            return [Call(at.as_json(), tagged, room)]
        if self._channel:
            there = SlackAddress(at.workspace, self._channel, at.user, language=at.language)
            return [Call(there.as_json(), tagged, there.room)]
        directly = [SlackAddress(at.workspace, user, user, Mode.DIRECT, language=at.language) for user in named]
        return [Call(there.as_json(), (there.person,)) for there in directly]
