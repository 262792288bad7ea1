import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from answerloop.backends.directory_by_channel import ChannelDirectory
from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.directory_slack import SlackDirectory
from answerloop.domain import Audience
from answerloop.errors import DeliveryImpossible, DirectoryUnavailable
from answerloop.testing.fakes import FakeClock, FakeDirectory
from answerloop.testing.port_suites import RoomDirectorySuite
from tests.slack_stub import Arguments, SlackStub, slack_stub

PEOPLE = """
people:
  known: {name: Known Person, groups: [hr], email: Known@Example.com}
  contractor: {guest: true, email: contractor@example.com}
slack_groups:
  SFIN: [finance]
  "@auditors": [audit]
"""


def user(user_id: str, **facts: Any) -> dict[str, Any]:
    return {"id": user_id, "team_id": "T01", "real_name": f"Name of {user_id}", "is_email_confirmed": True, **facts}


USERS = [
    user("UKNOWN", profile={"email": "known@example.COM"}),
    user("UGUEST", is_restricted=True, profile={"email": "known@example.com"}),
    user("UFIN", profile={"email": "fin@example.com"}),
    user("UCONTRACTOR", profile={"email": "contractor@example.com"}),
    user("UUNCONFIRMED", is_email_confirmed=False, profile={"email": "known@example.com"}),
    user("UONECHANNEL", is_ultra_restricted=True),
    user("USTRANGER", is_stranger=True),
    user("UELSEWHERE", team_id="T02"),
    user("UBOT", is_bot=True),
    user("USLACKBOT"),
    user("ULEFT", deleted=True, profile={"email": "known@example.com"}),
]
ROOMS = {
    "CMIXED": (["UKNOWN", "UGUEST"], {"is_private": True}),
    "CTEAM": (["UKNOWN", "UBOT", "USLACKBOT", "ULEFT"], {"is_private": True}),
    "COPEN": (["UKNOWN"], {"is_channel": True, "is_private": False}),
    "CSHARED": (["UKNOWN", "UFOREIGN"], {"is_private": True, "is_ext_shared": True}),
    "CINVITED": (["UKNOWN"], {"is_private": True, "is_pending_ext_shared": True}),
    "CNEW": (["UKNOWN", "UNEW"], {"is_private": True}),
}
USER_GROUPS = [
    {"id": "SFIN", "handle": "finance", "users": ["UFIN", "UGUEST", "UCONTRACTOR"], "date_delete": 0},
    {"id": "SAUD", "handle": "auditors", "users": ["UFIN"], "date_delete": 0},
    {"id": "SOLD", "handle": "auditors-old", "users": ["UKNOWN"], "date_delete": 1},
]


def two_pages(items: list[Any], key: str, arguments: Arguments) -> dict[str, Any]:
    if arguments.get("cursor"):
        return {key: items[1:], "response_metadata": {"next_cursor": ""}}
    return {key: items[:1], "response_metadata": {"next_cursor": "more"}}


BUSY = {"ok": False, "error": "ratelimited"}


def a_large_workspace(slack: SlackStub, pages_until_busy: int) -> None:
    """Of one page for each person."""
    pages = itertools.count()

    def page(arguments: Arguments) -> dict[str, Any]:
        slack.failure = None
        if next(pages) == pages_until_busy:
            slack.failure = (429, {"Retry-After": "30"})
            return BUSY
        number = int(arguments.get("cursor") or 0)
        following = str(number + 1) if number + 1 < len(USERS) else ""
        return {"members": [USERS[number]], "response_metadata": {"next_cursor": following}}

    slack.replies["users.list"] = page


def info_of(arguments: Arguments) -> dict[str, Any]:
    if arguments["channel"] not in ROOMS:
        return {"ok": False, "error": "channel_not_found"}
    return {"channel": {"id": arguments["channel"], **ROOMS[arguments["channel"]][1]}}


def newcomer(arguments: Arguments) -> dict[str, Any]:
    return {"user": user("UNEW")} if arguments["user"] == "UNEW" else {"ok": False, "error": "user_not_found"}


@pytest.fixture
def slack() -> Iterator[SlackStub]:
    with slack_stub() as stub:
        stub.replies = {
            "users.list": lambda arguments: two_pages(USERS, "members", arguments),
            "users.info": newcomer,
            "usergroups.list": {"usergroups": USER_GROUPS},
            "conversations.info": info_of,
            "conversations.members": lambda arguments: two_pages(ROOMS[arguments["channel"]][0], "members", arguments),
        }
        yield stub


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "access.yaml"
    path.write_text(PEOPLE)
    return path


@pytest.fixture
def directory(slack, clock, path) -> SlackDirectory:
    file = FileDirectory(path, "default")
    return SlackDirectory(lambda workspace: f"xoxb-{workspace}", file, "default", api_url=slack.url, clock=clock)


def reads(directory, room: str, *groups: str) -> bool:
    return Audience.of("default", directory.members(f"slack:T01:{room}")).may_read(set(groups))


class TestSlackDirectory(RoomDirectorySuite):
    known = "slack:T01:UKNOWN"
    guest = "slack:T01:UGUEST"
    unknown = "slack:T01:UNOBODY"
    room = "slack:T01:CMIXED"
    team_room = "slack:T01:CTEAM"
    unknown_room = "slack:T01:CNOWHERE"

    def groups(self, directory, user_id: str) -> frozenset[str]:
        return directory.person(f"slack:T01:{user_id}").groups

    def test_user_groups_give_groups_by_id_and_by_handle(self, directory):
        assert self.groups(directory, "UFIN") == {"everyone", "public", "finance", "audit"}

    @pytest.mark.parametrize("user_id", ["UGUEST", "UONECHANNEL", "USTRANGER", "UELSEWHERE", "UCONTRACTOR"])
    def test_guests_and_strangers_have_no_group_of_the_company_whatever_lists_them(self, directory, user_id):
        assert self.groups(directory, user_id) == {"public"}

    @pytest.mark.parametrize("user_id", ["UBOT", "USLACKBOT", "ULEFT"])
    def test_bots_and_people_who_left_have_no_groups(self, directory, user_id):
        assert self.groups(directory, user_id) == frozenset()

    def test_an_address_that_slack_has_not_confirmed_gives_nothing(self, directory):
        assert self.groups(directory, "UUNCONFIRMED") == {"everyone", "public"}

    @pytest.mark.parametrize("person_id", ["known", "slack:T01", "teams:T01:UKNOWN"])
    def test_ids_of_other_platforms_are_nobody_here(self, directory, slack, person_id):
        assert directory.person(person_id).groups == frozenset()
        assert directory.members(person_id) == ()
        assert slack.calls == []

    def test_whoever_joined_since_the_last_look_is_looked_up(self, directory, slack):
        assert self.groups(directory, "UNEW") == {"everyone", "public"}
        assert reads(directory, "CNEW", "everyone")
        assert slack.times("users.info") == 1

    def test_everybody_in_the_workspace_can_open_a_public_channel(self, directory):
        assert reads(directory, "COPEN", "everyone")
        assert not reads(directory, "COPEN", "hr")

    @pytest.mark.parametrize("room", ["CSHARED", "CINVITED"])
    def test_a_channel_shared_with_another_company_reads_public_documents_only(self, directory, slack, room):
        assert reads(directory, room, "public")
        assert not reads(directory, room, "everyone")
        assert slack.times("users.info") == 0  # the other company may be large

    def test_one_workspace_is_read_with_its_own_token_and_once_for_many_questions(self, directory, slack, clock):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: directory.person(self.known), range(8)))
        assert slack.times("users.list") == 2  # its two pages
        assert {arguments["token"] for _, arguments in slack.calls} == {"xoxb-T01"}
        clock.now = 299
        directory.person(self.known)
        assert slack.times("users.list") == 2
        clock.now = 300
        directory.person(self.known)
        assert slack.times("users.list") == 4

    def test_who_is_in_a_room_is_asked_again_after_ten_seconds(self, directory, slack, clock, monkeypatch):
        assert reads(directory, "CTEAM", "hr")
        monkeypatch.setitem(ROOMS, "CTEAM", (["UKNOWN", "UGUEST"], {"is_private": True}))
        clock.now = 10
        assert not reads(directory, "CTEAM", "hr")
        assert slack.times("conversations.info") == 1

    def test_who_else_can_open_a_room_is_asked_again_after_a_minute(self, directory, slack, clock, monkeypatch):
        assert reads(directory, "CTEAM", "hr")
        monkeypatch.setitem(ROOMS, "CTEAM", (["UKNOWN"], {"is_private": True, "is_ext_shared": True}))
        clock.now = 60
        assert not reads(directory, "CTEAM", "hr")

    @pytest.mark.parametrize("method", ["conversations.info", "conversations.members"])
    def test_a_room_that_is_not_there_any_more_has_no_readers(self, directory, slack, method):
        slack.replies[method] = {"ok": False, "error": "channel_not_found"}
        assert directory.members("slack:T01:COPEN") == ()

    @pytest.mark.parametrize("failure", [(429, {"Retry-After": "7"}), (500, {}), (503, {})])
    def test_what_is_too_old_does_not_hold_when_slack_fails(self, directory, slack, clock, failure):
        directory.person(self.known)
        directory.members(self.room)
        clock.now, slack.failure = 300, failure
        with pytest.raises(DirectoryUnavailable):
            directory.person(self.known)
        with pytest.raises(DirectoryUnavailable):
            directory.members(self.room)
        clock.now, slack.failure = 307, None
        assert "hr" in directory.person(self.known).groups

    def test_a_large_workspace_is_read_on_where_slack_asked_us_to_wait(self, directory, slack, clock):
        a_large_workspace(slack, pages_until_busy=2)
        with pytest.raises(DirectoryUnavailable) as busy:
            directory.person(self.known)
        assert busy.value.retry_after_seconds == 30
        clock.now = 20
        with pytest.raises(DirectoryUnavailable) as busy:
            directory.person(self.guest)
        assert busy.value.retry_after_seconds == 10
        assert slack.times("users.list") == 3, "whoever is told to wait does not ask before"
        clock.now = 30
        assert "hr" in directory.person(self.known).groups
        asked = [arguments.get("cursor", "") for method, arguments in slack.calls if method == "users.list"]
        assert asked == [str(page or "") for page in (0, 1, 2, *range(2, len(USERS)))]

    def test_what_was_read_long_ago_of_a_large_workspace_is_read_again(self, directory, slack, clock):
        a_large_workspace(slack, pages_until_busy=2)
        with pytest.raises(DirectoryUnavailable):
            directory.person(self.known)
        clock.now = 600
        directory.person(self.known)
        assert slack.times("users.list") == 3 + len(USERS)

    def test_a_place_in_a_list_that_slack_has_forgotten_means_to_begin_anew(self, directory, slack, clock):
        a_large_workspace(slack, pages_until_busy=2)
        with pytest.raises(DirectoryUnavailable):
            directory.person(self.known)
        clock.now, slack.failure = 30, None
        pages, slack.replies["users.list"] = slack.replies["users.list"], {"ok": False, "error": "invalid_cursor"}
        with pytest.raises(DirectoryUnavailable):
            directory.person(self.known)
        slack.replies["users.list"] = pages
        assert "hr" in directory.person(self.known).groups

    def test_people_who_were_read_are_not_read_again_for_the_user_groups(self, directory, slack):
        known, slack.replies["usergroups.list"] = slack.replies["usergroups.list"], BUSY
        with pytest.raises(DirectoryUnavailable):
            directory.person(self.known)
        slack.replies["usergroups.list"] = known
        assert "finance" in self.groups(directory, "UFIN")
        assert slack.times("users.list") == 2

    def test_a_page_is_as_long_as_slack_allows(self, directory, slack):
        directory.members(self.room)
        sizes = {arguments["limit"] for _, arguments in slack.calls if "limit" in arguments}
        assert sizes == {"999"}

    def test_slack_out_of_reach_is_a_clear_error(self, path):
        file = FileDirectory(path, "default")
        directory = SlackDirectory(lambda _: "xoxb-1", file, "default", api_url="http://127.0.0.1:9/api/")
        with pytest.raises(DirectoryUnavailable, match="out of reach"):
            directory.person(self.known)

    def test_without_a_token_nobody_is_guessed(self, slack, path):
        def none(workspace: str) -> str:
            raise DeliveryImpossible(f"{workspace} has not installed us")

        directory = SlackDirectory(none, FileDirectory(path, "default"), "default", api_url=slack.url)
        with pytest.raises(DeliveryImpossible, match="has not installed us"):
            directory.members(self.room)

    @pytest.mark.parametrize("error", ["missing_scope", "unknown_method"])
    def test_without_user_groups_the_rest_goes_on_and_it_is_said_once(self, directory, slack, clock, error, caplog):
        slack.replies["usergroups.list"] = {"ok": False, "error": error}
        for clock.now in (0, 300):
            assert "hr" in directory.person(self.known).groups
            assert self.groups(directory, "UFIN") == {"everyone", "public"}
        assert [record.message for record in caplog.records] == ["no user groups here"]

    def test_a_revoked_token_is_no_workspace_without_user_groups(self, directory, slack):
        slack.replies["usergroups.list"] = {"ok": False, "error": "token_revoked"}
        with pytest.raises(DeliveryImpossible):
            directory.person(self.known)

    def test_members_whom_slack_fails_to_fetch_may_be_fetched_later(self, directory, slack):
        slack.replies["conversations.members"] = {"ok": False, "error": "fetch_members_failed"}
        with pytest.raises(DirectoryUnavailable):
            directory.members(self.room)

    def test_a_broken_file_makes_no_employee_of_a_guest(self, directory, path):
        path.write_text("people: [")
        with pytest.raises(DirectoryUnavailable):
            self.groups(directory, "UCONTRACTOR")
        assert directory.person(self.guest).groups == {"public"}


class TestChannelDirectory(RoomDirectorySuite):
    known = "slack:known"
    guest = "slack:guest"
    room = "slack:room"
    team_room = "slack:team"

    @pytest.fixture
    def directory(self) -> ChannelDirectory:
        people = {"slack:known": frozenset({"everyone", "public", "hr"}), "slack:guest": frozenset({"public"})}
        rooms = {"slack:room": ["slack:known", "slack:guest"], "slack:team": ["slack:known"]}
        return ChannelDirectory(
            {"slack": FakeDirectory(people, rooms=rooms)}, FakeDirectory({"dana": frozenset({"everyone"})})
        )

    def test_an_id_without_a_platform_is_one_of_the_web_chat(self, directory):
        assert directory.person("dana").groups == {"everyone"}
        assert directory.person("slack:dana").groups == frozenset()
