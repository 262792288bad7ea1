"""Where people are called in Teams when somebody asks for a human, and who is tagged there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from answerloop.teams.address import Kind, TeamsAddress, person_id, room_id
from bot.people import Call
from bot.rooms import Rooms
from bot.teams.places import Places


class Escalation:
    """In the thread, where everybody sees the question; else in the channel for this, else with each of them."""

    def __init__(self, rooms: Rooms, places: Places, people: Sequence[str], channel: str) -> None:
        self._rooms = rooms
        self._places = places
        self._people = people
        self._channel = channel

    def __call__(self, room: str | None, address: Mapping[str, Any]) -> list[Call]:
        at = TeamsAddress.parse(address)
        named = self._rooms.settings_of(room_id(at.tenant, at.conversation)).escalation or self._people
        tagged = tuple(person_id(at.tenant, user) for user in named)
        if room is not None:
            return [Call(at.as_json(), tagged, room)]
        if self._channel:
            there = replace(at, conversation=self._channel, kind=Kind.CHANNEL, message=None, private=False)
            return [Call(there.as_json(), tagged, there.room)]
        return [Call(self._alone(at, user).as_json(), (person_id(at.tenant, user),)) for user in named]

    def _alone(self, at: TeamsAddress, user: str) -> TeamsAddress:
        """Their personal chat. Whom Teams has not named to us yet is reached by their Entra id, if at all."""
        known = self._places.known(person_id(at.tenant, user))
        account = str(known.data["account"]) if known else user
        return replace(at, conversation="", kind=Kind.PERSONAL, user=user, account=account, message=None, private=False)
