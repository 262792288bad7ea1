"""People of Slack workspaces: who they are says Slack, which groups of the company they are in the directory file.

A full member is an employee, with the groups that the file gives to their e-mail address and to their user groups.
Guests and people of other companies read public documents alone; bots and whoever has left have no groups.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

from slack_sdk import WebClient

from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.slack_api import Gone, Refused, call, client
from answerloop.backends.slack_pages import Pages
from answerloop.domain import EVERYONE, PUBLIC, Person
from answerloop.errors import DeliveryUnavailable, DirectoryUnavailable
from answerloop.slack.address import parts, person_id
from answerloop.timed_cache import TimedCache

log = logging.getLogger(__name__)
T = TypeVar("T")

WORKSPACE_SECONDS = 300.0
BEGUN_SECONDS = 600.0
"""Pages of a list that was not read to its end are good for so long: two hundred thousand people at twenty a minute."""
ROOM_SECONDS = 60.0
MEMBERS_SECONDS = 10.0
"""Rights are asked again before an answer is shown: somebody may have joined since the question was asked."""
EMPLOYEE = frozenset({EVERYONE, PUBLIC})
OUTSIDE = frozenset({PUBLIC})
NOBODY: frozenset[str] = frozenset()
SLACKBOT = "USLACKBOT"  # the one bot whose record does not say that it is one
NO_SUCH_USER = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
NO_USER_GROUPS = frozenset({"missing_scope", "unknown_method", "paid_teams_only", "plan_upgrade_required"})


class Kind(Enum):
    MEMBER = auto()
    OUTSIDER = auto()
    BOT = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class User:
    """What matters of Slack's record. `email` is empty where Slack has not confirmed it."""

    name: str
    kind: Kind
    email: str = ""


@dataclass(frozen=True, slots=True)
class Workspace:
    """`user_groups` has the ids and the handles of a user's user groups."""

    users: Mapping[str, User]
    user_groups: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Channel:
    """`shared`: with other companies, or about to be. `public`: every employee can open it and read."""

    shared: bool
    public: bool


class SlackDirectory:
    """A `Directory`. What Slack says holds for minutes; when it says nothing, nobody is guessed."""

    def __init__(
        self,
        tokens: Callable[[str], str],
        file: FileDirectory,
        tenant: str,
        *,
        api_url: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._file = file
        self._tenant = tenant
        self._api_url = api_url
        self._clock = clock
        self._begun: dict[str, Pages] = {}
        self._workspaces: TimedCache[str, Workspace] = TimedCache(WORKSPACE_SECONDS, clock)
        self._newcomers: TimedCache[tuple[str, str], User | None] = TimedCache(WORKSPACE_SECONDS, clock)
        self._channels: TimedCache[tuple[str, str], Channel | None] = TimedCache(ROOM_SECONDS, clock)
        self._members: TimedCache[tuple[str, str], tuple[str, ...] | None] = TimedCache(MEMBERS_SECONDS, clock)
        self._without_user_groups: set[str] = set()

    def person(self, person_id: str) -> Person:
        try:
            workspace, user = parts(person_id)
        except ValueError:
            return Person(person_id, person_id, NOBODY, self._tenant)
        with _translated():
            return self._person(workspace, user, self._user(workspace, user))

    def members(self, room: str) -> Sequence[Person]:
        try:
            workspace, channel = parts(room)
        except ValueError:
            return ()
        with _translated():
            found = self._channels.get((workspace, channel), lambda: self._read_channel(workspace, channel))
            if found is None:
                return ()
            members = self._members.get((workspace, channel), lambda: self._read_members(workspace, channel))
            return tuple(self._readers(workspace, found, members)) if members is not None else ()

    def _readers(self, workspace: str, channel: Channel, members: Sequence[str]) -> Iterator[Person]:
        for member in members:
            if channel.shared and member not in self._workspace(workspace).users:
                continue  # of another company, as the outsider below: there may be thousands to look up
            user = self._user(workspace, member)
            if user is None or user.kind not in (Kind.BOT, Kind.GONE):
                yield self._person(workspace, member, user)
        if channel.public:
            yield Person("employee", "Anybody in the workspace", EMPLOYEE, self._tenant)
        if channel.shared:
            yield Person("outsider", "Somebody of another company", OUTSIDE, self._tenant)

    def _person(self, workspace: str, user_id: str, user: User | None) -> Person:
        name = user.name if user else user_id
        return Person(person_id(workspace, user_id), name, self._groups(workspace, user_id, user), self._tenant)

    def _groups(self, workspace: str, user_id: str, user: User | None) -> frozenset[str]:
        if user is None or user.kind in (Kind.BOT, Kind.GONE):
            return NOBODY
        if user.kind is Kind.OUTSIDER:
            return OUTSIDE
        groups = self._file.groups_by_email(user.email) or EMPLOYEE
        if EVERYONE not in groups:  # whom the file calls a guest
            return groups
        user_groups = self._workspace(workspace).user_groups.get(user_id, NOBODY)
        return groups.union(*map(self._file.groups_of_slack_group, user_groups))

    # --- what Slack says

    def _user(self, workspace: str, user: str) -> User | None:
        known = self._workspace(workspace).users.get(user)
        return known or self._newcomers.get((workspace, user), lambda: self._read_user(workspace, user))

    def _workspace(self, workspace: str) -> Workspace:
        return self._workspaces.get(workspace, lambda: self._read_workspace(workspace))

    def _read_workspace(self, workspace: str) -> Workspace:
        """Of a large one in several attempts: Slack asks us to wait on the way."""
        slack = self._client(workspace)
        pages = self._begun.pop(workspace, None)
        if pages is None or self._clock() - pages.begun_at >= BEGUN_SECONDS:
            pages = Pages(self._clock)
        try:
            records = pages.rest(slack.users_list, "members")
            user_groups = self._read_user_groups(slack, workspace)
        except DeliveryUnavailable:
            self._begun[workspace] = pages
            raise
        return Workspace({str(record["id"]): _user(record, workspace) for record in records}, user_groups)

    def _read_user_groups(self, slack: WebClient, workspace: str) -> Mapping[str, frozenset[str]]:
        try:
            found = call(slack.usergroups_list, include_users=True)
        except (Gone, Refused) as error:
            if error.code not in NO_USER_GROUPS:
                raise
            if workspace not in self._without_user_groups:
                self._without_user_groups.add(workspace)
                log.warning("no user groups here", extra={"workspace": workspace, "error": error.code})
            return {}
        groups = defaultdict[str, set[str]](set)
        for group in found.get("usergroups", []):
            for user in group.get("users", []) if not group.get("date_delete") else ():
                groups[user] |= {group["id"], group["handle"]}
        return {user: frozenset(names) for user, names in groups.items()}

    def _read_user(self, workspace: str, user: str) -> User | None:
        try:
            return _user(call(self._client(workspace).users_info, user=user)["user"], workspace)
        except (Gone, Refused) as error:
            if error.code not in NO_SUCH_USER:
                raise
            return None

    def _read_channel(self, workspace: str, channel: str) -> Channel | None:
        slack = self._client(workspace)
        facts = _if_there(lambda: call(slack.conversations_info, channel=channel)["channel"])
        if facts is None:
            return None
        shared = any(facts.get(flag) for flag in ("is_shared", "is_ext_shared", "is_pending_ext_shared"))
        return Channel(shared, public=bool(facts.get("is_channel")) and not facts.get("is_private"))

    def _read_members(self, workspace: str, channel: str) -> tuple[str, ...] | None:
        method, pages = self._client(workspace).conversations_members, Pages(self._clock)
        return _if_there(lambda: tuple(pages.rest(method, "members", channel=channel)))

    def _client(self, workspace: str) -> WebClient:
        return client(self._tokens(workspace), self._api_url)


def _user(record: Mapping[str, Any], workspace: str) -> User:
    profile = record.get("profile") or {}
    name = str(record.get("real_name") or record.get("name") or record["id"])
    if record.get("deleted"):
        return User(name, Kind.GONE)
    if record.get("is_bot") or record["id"] == SLACKBOT:
        return User(name, Kind.BOT)
    restricted = any(record.get(flag) for flag in ("is_restricted", "is_ultra_restricted", "is_stranger"))
    if restricted or record.get("team_id") != workspace:
        return User(name, Kind.OUTSIDER)
    confirmed = record.get("is_email_confirmed", True)
    return User(name, Kind.MEMBER, str(profile.get("email") or "") if confirmed else "")


def _if_there(read: Callable[[], T]) -> T | None:
    """None for a channel that is not there, or not for us."""
    try:
        return read()
    except Gone as error:
        if error.code != "channel_not_found":
            raise
        return None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DeliveryUnavailable as error:
        told = f"Who somebody in Slack is cannot be told: {error}"
        raise DirectoryUnavailable(told, error.retry_after_seconds) from None
