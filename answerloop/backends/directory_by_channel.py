"""People of several chat platforms: whoever answers for a platform's ids is asked about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answerloop.domain import Person
from answerloop.ports import Directory


class ChannelDirectory:
    """A `Directory`. An id begins with its platform, `slack:…`; one that does not is asked of `default`."""

    def __init__(self, by_channel: Mapping[str, Directory], default: Directory) -> None:
        self._by_channel = dict(by_channel)
        self._default = default

    def person(self, person_id: str) -> Person:
        return self._of(person_id).person(person_id)

    def members(self, room: str) -> Sequence[Person]:
        return self._of(room).members(room)

    def _of(self, directory_id: str) -> Directory:
        return self._by_channel.get(directory_id.partition(":")[0], self._default)
