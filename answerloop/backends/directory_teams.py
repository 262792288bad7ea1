"""People of Teams: who they are says Teams, which groups of the company they are in the directory file.

A member of the company's own tenant is an employee, with the groups that the file gives to their object id in Entra or
their e-mail address and, where Microsoft Graph may be asked, to their groups in Entra. Guests, people of other tenants
and whoever is nameless in a meeting read public documents alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.directory_graph import EntraUser, GraphPeople
from answerloop.backends.teams_api import FORBIDDEN, NOT_FOUND, Gone, TeamsApi
from answerloop.db.repositories import places
from answerloop.db.repositories.places import Place
from answerloop.db.session import Database
from answerloop.domain import EVERYONE, PUBLIC, Person
from answerloop.errors import AnswerloopError, DeliveryImpossible, DeliveryUnavailable, DirectoryUnavailable
from answerloop.teams.address import TeamsAddress, parts, person_id
from answerloop.timed_cache import TimedCache

PERSON_SECONDS = 300.0
ROOM_SECONDS = 60.0
GRAPH_CALLS_AT_ONCE = 8
EMPLOYEE = frozenset({EVERYONE, PUBLIC})
OUTSIDE = frozenset({PUBLIC})
NOBODY: frozenset[str] = frozenset()
SOMEBODY = "a colleague"
ROLES = frozenset({"", "user", "owner"})
"""Of people who are no guests. What Teams may call others one day is unknown, and read as a guest."""
BOT = "28:"
GUEST_MARK = "#ext#"

Known = Callable[[str], Place | None]
"""How a person or a room is reached, by its id; None where Teams has not told us, or we were removed."""


@dataclass(frozen=True, slots=True)
class Member:
    """What matters of Teams' record. `user` is the object id in Entra, or the account of somebody who has none."""

    user: str
    name: str
    employee: bool
    mails: tuple[str, ...]


def known_places(database: Database) -> Known:
    def known(place_id: str) -> Place | None:
        with database.reading() as session:
            return places.get(session, place_id)

    return known


class TeamsDirectory:
    """A `Directory`. What Teams says holds for minutes; when it says nothing, nobody is guessed.

    `home` is the company's own tenant; where none is set, it is the one where a chat takes place.
    """

    def __init__(
        self,
        api: TeamsApi,
        file: FileDirectory,
        known: Known,
        tenant: str,
        graph: GraphPeople | None = None,
        *,
        home: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._file = file
        self._known = known
        self._tenant = tenant
        self._graph = graph
        self._home = home
        self._people: TimedCache[tuple[str, str, datetime | None], Member | None] = TimedCache(PERSON_SECONDS, clock)
        self._rooms: TimedCache[str, tuple[Member, ...]] = TimedCache(ROOM_SECONDS, clock)
        self._named: TimedCache[str, tuple[Member, ...]] = TimedCache(PERSON_SECONDS, clock)
        self._entra: TimedCache[str, EntraUser | None] = TimedCache(PERSON_SECONDS, clock)

    def person(self, person_id: str) -> Person:
        with _translated():
            member = self._member(person_id)
            return self._person(person_id, member)

    def members(self, room: str) -> Sequence[Person]:
        with _translated():
            place = self._place(room)
            if place is None:
                return ()
            tenant, _ = parts(room)
            found = self._rooms.get(room, lambda: self._read_room(place, tenant))
            self._ask_graph_about(found)
            readers = [member for member in found if not self._is_locked_out(member)]
            return tuple(self._person(person_id(tenant, member.user), member) for member in readers)

    def name_of(self, person_id: str, at: TeamsAddress | None = None) -> str:
        """What somebody is called, for people to read; whom we have never met, those who read along `at` that place
        may know. Never raises."""
        try:
            place = self._place(person_id)
            if place and place.name:
                return place.name
            member = self._member(person_id)
            name = member.name if member else self._name_in_entra(person_id)
            return name or (self._name_there(person_id, at) if at else "") or SOMEBODY
        except (AnswerloopError, ValueError):  # or not of Teams
            return SOMEBODY

    # --- what may be read

    def _person(self, person_id: str, member: Member | None) -> Person:
        name = member.name if member else ""
        return Person(person_id, name or person_id, self._groups(member), self._tenant)

    def _groups(self, member: Member | None) -> frozenset[str]:
        if member is None:
            return NOBODY
        if not member.employee:
            return OUTSIDE
        user = self._in_entra(member.user)
        if self._graph and (user is None or not user.enabled):
            return NOBODY
        if user and user.guest:
            return OUTSIDE
        groups = self._groups_of_file(member, user)
        if user is None or EVERYONE not in groups:  # whom the file calls a guest
            return groups
        return groups.union(*map(self._file.groups_of_entra_group, user.groups))

    def _groups_of_file(self, member: Member, user: EntraUser | None) -> frozenset[str]:
        """Of the entry with their object id, else of one with their address; a guest by any of them is a guest."""
        mails = (*member.mails, *([user.mail] if user else []))
        entries = [self._file.groups_by_entra(member.user), *map(self._file.groups_by_email, mails)]
        known = [groups for groups in entries if groups]
        if any(EVERYONE not in groups for groups in known):
            return OUTSIDE
        return known[0] if known else EMPLOYEE

    def _is_locked_out(self, member: Member) -> bool:
        """Accounts of people who left stay in rooms for a while."""
        user = self._in_entra(member.user) if member.employee else None
        return user is not None and not user.enabled

    # --- what Teams says

    def _place(self, place_id: str) -> Place | None:
        """None also for what is no place of Teams."""
        try:
            parts(place_id)
        except ValueError:
            return None
        return self._known(place_id)

    def _member(self, person_id: str) -> Member | None:
        place = self._place(person_id)
        if place is None or not {"service_url", "conversation", "account"} <= place.data.keys():
            return None
        # as of when we were last told of them: we may have been removed there, and be back
        key = person_id, str(place.data["conversation"]), place.seen_at
        return self._people.get(key, lambda: self._read_member(place, *parts(person_id)))

    def _read_member(self, place: Place, tenant: str, user: str) -> Member | None:
        try:
            record = self._api.member(place.data["service_url"], _whole(place), place.data["account"])
        except Gone as error:
            _refuse_unless_nobody(error)
            return None
        member = self._as_member(record, tenant)
        return member if member.user.casefold() == user.casefold() else None

    def _read_room(self, place: Place, tenant: str) -> tuple[Member, ...]:
        """All of them or nobody."""
        if not {"service_url", "conversation"} <= place.data.keys():
            return ()
        try:
            records = list(self._api.members(place.data["service_url"], _whole(place)))
        except Gone as error:
            _refuse_unless_nobody(error)
            return ()
        people = [record for record in records if not str(record.get("id", "")).startswith(BOT)]
        return tuple(self._as_member(record, tenant) for record in people)

    def _as_member(self, record: Mapping[str, Any], tenant: str) -> Member:
        said = {name: str(record.get(name) or "") for name in ("id", "name", "userRole", "tenantId")}
        user = str(record.get("aadObjectId") or record.get("objectId") or "")
        principal, mail = str(record.get("userPrincipalName") or ""), str(record.get("email") or "")
        employee = (
            bool(user)
            and said["userRole"].casefold() in ROLES
            and said["tenantId"].casefold() == (self._home or tenant).casefold()
            and GUEST_MARK not in principal.casefold()
        )
        return Member(user or said["id"], said["name"], employee, tuple(dict.fromkeys(filter(None, (mail, principal)))))

    # --- what Entra says

    def _in_entra(self, user: str) -> EntraUser | None:
        graph = self._graph
        return self._entra.get(user, lambda: graph.facts(user)) if graph else None

    def _ask_graph_about(self, members: Sequence[Member]) -> None:
        """All of a room together, since one after the other takes long."""
        employees = [member.user for member in members if member.employee]
        if self._graph and len(employees) > 1:
            with ThreadPoolExecutor(GRAPH_CALLS_AT_ONCE) as pool:
                list(pool.map(self._in_entra, employees))

    def _name_there(self, person_id: str, at: TeamsAddress) -> str:
        """By the roster of a conversation. Only for names: who may read what goes by what Teams said of rooms."""
        tenant, user = parts(person_id)
        here = Place(person_id, "", {"service_url": at.service_url, "conversation": at.conversation})
        found = self._named.get(at.room_key, lambda: self._read_room(here, tenant)) if at.conversation else ()
        return next((each.name for each in found if each.user.casefold() == user.casefold()), "")

    def _name_in_entra(self, person_id: str) -> str:
        try:
            user = self._in_entra(parts(person_id)[1])
        except ValueError:
            return ""
        return user.name if user else ""


def _whole(place: Place) -> str:
    """The conversation without the thread: who reads a channel reads all of it."""
    return str(place.data["conversation"]).partition(";")[0]


def _refuse_unless_nobody(error: Gone) -> None:
    """A room that is not there any more, or where we are not, has nobody in it."""
    if error.status not in (FORBIDDEN, NOT_FOUND):
        raise error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DeliveryUnavailable, DeliveryImpossible) as error:
        wait = error.retry_after_seconds if isinstance(error, DeliveryUnavailable) else None
        raise DirectoryUnavailable(f"Who somebody in Teams is cannot be told: {error}", wait) from None
