from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.directory_graph import EntraUser
from answerloop.backends.directory_teams import TeamsDirectory, known_places
from answerloop.backends.teams_api import TeamsApi
from answerloop.db.repositories import places
from answerloop.db.repositories.places import Place
from answerloop.db.tables import now
from answerloop.domain import Audience
from answerloop.errors import DatabaseUnavailable, DeliveryImpossible, DirectoryUnavailable
from answerloop.teams.address import Kind, TeamsAddress
from answerloop.testing.fakes import FakeClock
from answerloop.testing.port_suites import RoomDirectorySuite
from answerloop.testing.teams_server import LOST, Fault, TeamsServer, too_many
from answerloop.testing.teams_tenant import TENANT, member

ELSEWHERE = "00000000-0000-0000-0000-0000000000a2"
PEOPLE = """
people:
  known: {name: Known Person, groups: [hr], entra: 00000000-0000-0000-0000-0000000000AA}
  fin: {groups: [finance], email: Fin@Orrenby.Example}
  upn: {groups: [finance], email: upn@orrenby.example}
  both: {groups: [hr], entra: 00000000-0000-0000-0000-0000000000ad}
  both-by-mail: {groups: [finance], email: both@orrenby.example}
  contractor: {guest: true, email: contractor@orrenby.example}
  half: {groups: [hr], entra: 00000000-0000-0000-0000-0000000000af}
  half-by-mail: {guest: true, email: half@orrenby.example}
entra_groups:
  00000000-0000-0000-0000-0000000000E1: [hr, audit]
"""


def user_id(number: str) -> str:
    return f"00000000-0000-0000-0000-0000000000{number}"


RECORDS = {
    "known": member("Known", user_id("aa")),
    "guest": member("Guest", user_id("ab"), userRole="guest"),
    "fin": member("Fin", user_id("ac"), email="fin@orrenby.EXAMPLE"),
    "both": member("Both", user_id("ad")),
    "contractor": member("Contractor", user_id("ae")),
    "half": member("Half", user_id("af")),
    "upn": member("Upn", user_id("b0"), email=None),
    "invited": member("Invited", user_id("b1"), userPrincipalName="invited_partner.example#EXT#@orrenby.example"),
    "partner": member("Partner", user_id("b2"), tenantId=ELSEWHERE),
    "nobody's": member("Nobody's", user_id("b3"), tenantId=None),
    "renamed": member("Renamed", user_id("b4"), userRole="something of next year"),
    "anonymous": {"id": "29:anonymous", "name": "Anon (Guest)", "tenantId": TENANT, "userRole": "anonymous"},
    "older": {**member("Older", user_id("b5")), "aadObjectId": None, "objectId": user_id("b5")},
    "plain": member("Plain", user_id("b6")),
    "bot": {"id": "28:another", "name": "A bot"},
}
USER = {name: str(record.get("aadObjectId") or record.get("objectId") or "none") for name, record in RECORDS.items()}
ROOMS = {
    "19:mixed@thread.tacv2": ["known", "guest"],
    "19:team@thread.tacv2": ["known", "bot"],
    "19:meeting@thread.v2": ["known", "anonymous"],
    "19:shared@thread.tacv2": ["known", "partner"],
    "19:plain@thread.tacv2": ["known", "plain"],
    "19:all@thread.tacv2": list(RECORDS),
}
ALL = "19:all@thread.tacv2"


@dataclass
class FakeGraph:
    users: dict[str, EntraUser] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def facts(self, object_id: str) -> EntraUser | None:
        self.asked.append(object_id)
        if self.failure:
            raise self.failure
        return self.users.get(object_id)


def entra_user(*groups: str, **changed: Any) -> EntraUser:
    facts = {"name": "Of Entra", "mail": "", "guest": False, "enabled": True, **changed}
    return EntraUser(groups=frozenset(groups), **facts)


def person(name: str) -> str:
    return f"teams:{TENANT}:{USER[name]}"


def room_of(name: str) -> str:
    return f"teams:{TENANT}:19:{name}@thread.{'v2' if name == 'meeting' else 'tacv2'}"


@pytest.fixture
def teams() -> Iterator[TeamsServer]:
    with TeamsServer() as server:
        for conversation, members in ROOMS.items():
            server.tenant.add(conversation, *(RECORDS[name] for name in members))
        yield server


@pytest.fixture
def known(teams) -> dict[str, Place]:
    rooms = {
        f"teams:{TENANT}:{conversation}": {"conversation": f"{conversation};messageid=7"} for conversation in ROOMS
    }
    people = {person(name): {"conversation": ALL, "account": record["id"]} for name, record in RECORDS.items()}
    return {
        place: Place(place, "", {"service_url": teams.url, "kind": "channel", **data})
        for place, data in {**rooms, **people}.items()
    }


@pytest.fixture
def api() -> Iterator[TeamsApi]:
    api = TeamsApi(lambda: "token", (), development=True, reply_seconds=0.5)
    yield api
    api.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "access.yaml"
    path.write_text(PEOPLE)
    return path


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def graph() -> FakeGraph:
    return FakeGraph({USER[name]: entra_user() for name in RECORDS})


@pytest.fixture
def directory(api, path, known, clock) -> TeamsDirectory:
    return TeamsDirectory(api, FileDirectory(path, "default"), known.get, "default", home=TENANT.upper(), clock=clock)


@pytest.fixture
def with_graph(api, path, known, clock, graph) -> TeamsDirectory:
    return TeamsDirectory(api, FileDirectory(path, "default"), known.get, "default", graph, home=TENANT, clock=clock)


def groups(directory: TeamsDirectory, name: str) -> frozenset[str]:
    return directory.person(person(name)).groups


def reads(directory: TeamsDirectory, name: str, *allowed: str) -> bool:
    return Audience.of("default", directory.members(room_of(name))).may_read(set(allowed))


class TestTeamsDirectory(RoomDirectorySuite):
    known = person("known")
    guest = person("guest")
    unknown = f"teams:{TENANT}:{user_id('ff')}"
    room = room_of("mixed")
    team_room = room_of("team")
    unknown_room = room_of("nowhere")

    def test_the_file_knows_people_by_their_object_id_and_by_their_addresses(self, directory):
        assert groups(directory, "known") == {"everyone", "public", "hr"}
        assert groups(directory, "fin") == {"everyone", "public", "finance"}
        assert groups(directory, "upn") == {"everyone", "public", "finance"}
        assert groups(directory, "both") == {"everyone", "public", "hr"}, "the object id says more than an address"

    @pytest.mark.parametrize("name", ["plain", "older"])
    def test_whoever_the_file_does_not_know_is_an_employee(self, directory, name):
        assert groups(directory, name) == {"everyone", "public"}

    @pytest.mark.parametrize("name", ["guest", "contractor", "half", "invited", "partner", "nobody's", "renamed"])
    def test_guests_and_strangers_have_no_group_of_the_company_whatever_lists_them(self, directory, name):
        assert groups(directory, name) == {"public"}

    def test_a_nameless_guest_of_a_meeting_reads_public_documents_only(self, directory):
        assert reads(directory, "meeting", "public")
        assert not reads(directory, "meeting", "everyone")

    def test_a_channel_shared_with_another_company_reads_public_documents_only(self, directory):
        assert reads(directory, "shared", "public")
        assert not reads(directory, "shared", "everyone")

    def test_bots_are_no_readers(self, directory):
        assert [person.name for person in directory.members(room_of("team"))] == ["Known"]

    def test_members_of_a_room_are_the_people_they_are_alone(self, directory):
        found = {each.id: each.groups for each in directory.members(room_of("plain"))}
        assert found == {person(name): groups(directory, name) for name in ("known", "plain")}

    @pytest.mark.parametrize("directory_id", ["known", "slack:T01:UKNOWN", f"teams:{TENANT}", "teams"])
    def test_ids_of_other_platforms_are_nobody_here(self, directory, teams, directory_id):
        assert directory.person(directory_id).groups == frozenset()
        assert directory.members(directory_id) == ()
        assert teams.calls == []

    def test_a_record_of_somebody_else_is_nobodys(self, directory, known):
        known[person("plain")].data["account"] = RECORDS["known"]["id"]
        assert groups(directory, "plain") == frozenset()

    def test_a_place_without_an_address_is_nobody(self, directory, known):
        del known[person("known")].data["account"], known[room_of("team")].data["service_url"]
        assert groups(directory, "known") == frozenset()
        assert directory.members(room_of("team")) == ()

    def test_somebody_who_is_not_where_we_saw_them_is_nobody_until_we_see_them_again(self, directory, known):
        known[person("known")].data["conversation"] = "19:nowhere@thread.tacv2"
        assert groups(directory, "known") == frozenset()
        known[person("known")].data["conversation"] = "19:team@thread.tacv2"
        assert "hr" in groups(directory, "known")

    def test_where_no_home_is_named_it_is_the_tenant_of_the_chat(self, api, path, known):
        directory = TeamsDirectory(api, FileDirectory(path, "default"), known.get, "default", home="")
        assert groups(directory, "known") == {"everyone", "public", "hr"}
        assert groups(directory, "partner") == {"public"}

    # --- rooms

    def test_a_room_of_many_pages_is_read_to_its_end(self, directory, teams):
        there = teams.tenant.conversations["19:team@thread.tacv2"]
        there.members = [*(member(f"E{n}", f"{n:036d}") for n in range(1200)), RECORDS["guest"]]
        assert len(directory.members(room_of("team"))) == 1201
        assert not reads(directory, "team", "everyone"), "the last of them is a guest"
        assert [call.what for call in teams.calls] == ["members"] * 3
        assert {call.conversation for call in teams.calls} == {"19:team@thread.tacv2"}

    @pytest.mark.parametrize("fault", [Fault(403, "BotNotInConversationRoster"), Fault(404), Fault(500), LOST])
    def test_a_part_of_a_room_is_never_taken_for_the_whole(self, directory, teams, fault, monkeypatch):
        there = teams.tenant.conversations["19:team@thread.tacv2"]
        there.members = [*(member(f"E{n}", f"{n:036d}") for n in range(600)), RECORDS["guest"]]
        page = teams.tenant.page

        def then_fails(*arguments: Any) -> dict[str, Any]:
            teams.fails("members", fault)
            return page(*arguments)

        monkeypatch.setattr(teams.tenant, "page", then_fails)
        if fault.status in (403, 404):
            assert directory.members(room_of("team")) == ()
        else:
            with pytest.raises(DirectoryUnavailable):
                directory.members(room_of("team"))

    def test_a_reply_without_members_is_no_empty_room(self, directory, teams, monkeypatch):
        monkeypatch.setattr(teams.tenant, "page", lambda *_: {"continuationToken": ""})
        with pytest.raises(DirectoryUnavailable, match="who is there"):
            directory.members(room_of("team"))

    def test_a_roster_without_an_end_is_no_roster(self, directory, teams, monkeypatch):
        monkeypatch.setattr(teams.tenant, "page", lambda *_: {"members": [], "continuationToken": "again"})
        with pytest.raises(DirectoryUnavailable, match="end"):
            directory.members(room_of("team"))

    def test_where_we_were_removed_nobody_reads(self, directory, teams, clock):
        assert reads(directory, "team", "hr")
        teams.tenant.conversations["19:team@thread.tacv2"].open = False
        clock.now = 60
        assert directory.members(room_of("team")) == ()

    # --- how long it holds

    def test_whoever_installs_us_again_is_known_at_once(self, directory, teams, known):
        teams.fails("member", Fault(403, "BotNotInConversationRoster"))
        assert groups(directory, "known") == set()
        assert groups(directory, "known") == set()
        known[person("known")] = replace(known[person("known")], seen_at=now())
        assert "hr" in groups(directory, "known")

    def test_one_person_is_read_once_for_many_questions(self, directory, teams, clock):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: directory.person(self.known), range(8)))
        clock.now = 299
        directory.person(self.known)
        assert len(teams.called("member")) == 1
        assert {call.token for call in teams.calls} == {"token"}
        clock.now = 300
        directory.person(self.known)
        assert len(teams.called("member")) == 2

    def test_who_is_in_a_room_is_asked_again_after_a_minute(self, directory, teams, clock):
        assert reads(directory, "team", "hr")
        teams.tenant.conversations["19:team@thread.tacv2"].members.append(RECORDS["guest"])
        clock.now = 59
        assert reads(directory, "team", "hr")
        clock.now = 60
        assert not reads(directory, "team", "hr")

    @pytest.mark.parametrize("fault", [too_many(7), Fault(401), Fault(412), Fault(500), Fault(503), LOST])
    def test_what_is_too_old_does_not_hold_when_teams_fails(self, directory, teams, clock, fault):
        directory.person(self.known)
        directory.members(self.room)
        clock.now = 300
        teams.fails("member", fault)
        teams.fails("members", fault)
        with pytest.raises(DirectoryUnavailable):
            directory.person(self.known)
        with pytest.raises(DirectoryUnavailable):
            directory.members(self.room)
        assert "hr" in directory.person(self.known).groups

    def test_a_teams_that_hangs_or_is_not_there_is_a_clear_error(self, directory, teams, known):
        teams.fails("member", Fault(seconds=2))
        with pytest.raises(DirectoryUnavailable, match="broke"):
            directory.person(self.known)
        known[self.known].data["service_url"] = "http://127.0.0.1:9/"
        with pytest.raises(DirectoryUnavailable, match="out of reach"):
            directory.person(self.known)

    def test_a_roster_of_another_form_names_nobody(self, directory, api, monkeypatch):
        for members in (["29:x"], [{}, None], {"29:x": {}}):
            monkeypatch.setattr(api, "_call", lambda *_, members=members: {"members": members})
            with pytest.raises(DirectoryUnavailable):
                directory.members(self.room)

    def test_an_address_that_is_not_trusted_is_not_asked_who_somebody_is(self, directory, known):
        known[self.known].data["service_url"] = "https://evil.example/"
        with pytest.raises(DirectoryUnavailable, match="ANSWERLOOP_TEAMS_SERVICE_HOSTS"):
            directory.person(self.known)

    def test_without_a_token_nobody_is_guessed(self, path, known):
        def none() -> str:
            raise DeliveryImpossible("the password has expired")

        api = TeamsApi(none, (), development=True)
        directory = TeamsDirectory(api, FileDirectory(path, "default"), known.get, "default", home=TENANT)
        with pytest.raises(DirectoryUnavailable, match="expired"):
            directory.members(self.room)
        api.close()

    def test_a_broken_file_makes_no_employee_of_a_guest(self, directory, path):
        path.write_text("people: [")
        with pytest.raises(DirectoryUnavailable):
            groups(directory, "contractor")
        assert groups(directory, "guest") == {"public"}


# --- with Microsoft Graph


def test_groups_of_entra_are_added_as_the_file_translates_them(with_graph, graph):
    graph.users[USER["plain"]] = entra_user(user_id("e1"), user_id("e9"))
    assert groups(with_graph, "plain") == {"everyone", "public", "hr", "audit"}
    graph.users[USER["fin"]] = entra_user(user_id("e1"))
    assert groups(with_graph, "fin") == {"everyone", "public", "finance", "hr", "audit"}


def test_an_address_of_entra_is_one_more_by_which_the_file_knows_somebody(with_graph, graph):
    graph.users[USER["plain"]] = entra_user(mail="fin@orrenby.example")
    assert "finance" in groups(with_graph, "plain")
    graph.users[USER["older"]] = entra_user(user_id("e1"), mail="contractor@orrenby.example")
    assert groups(with_graph, "older") == {"public"}


def test_whom_entra_calls_a_guest_is_one(with_graph, graph):
    graph.users[USER["known"]] = entra_user(user_id("e1"), guest=True)
    assert groups(with_graph, "known") == {"public"}
    assert not reads(with_graph, "team", "everyone")


def test_whom_entra_does_not_know_reads_nothing_and_neither_does_their_room(with_graph, graph):
    del graph.users[USER["plain"]]
    assert groups(with_graph, "plain") == frozenset()
    assert not reads(with_graph, "plain", "public")


def test_somebody_who_left_reads_nothing_and_closes_no_room(with_graph, graph):
    graph.users[USER["plain"]] = entra_user(enabled=False)
    assert groups(with_graph, "plain") == frozenset()
    assert reads(with_graph, "plain", "hr")


def test_entra_is_asked_about_employees_alone_once_in_five_minutes(with_graph, graph, clock):
    for clock.now in (0, 60, 299):
        with_graph.members(room_of("all"))
    employees = {"known", "fin", "both", "contractor", "half", "upn", "older", "plain"}
    assert sorted(graph.asked) == sorted(USER[name] for name in employees)
    clock.now = 300
    with_graph.members(room_of("all"))
    assert len(graph.asked) == 2 * len(employees)


def test_when_entra_is_silent_nobody_is_guessed(with_graph, graph):
    graph.failure = DirectoryUnavailable("Microsoft Graph says 429.")
    with pytest.raises(DirectoryUnavailable, match="429"):
        groups(with_graph, "known")
    with pytest.raises(DirectoryUnavailable, match="429"):
        with_graph.members(room_of("plain"))
    assert groups(with_graph, "guest") == {"public"}


# --- what people are called


def test_people_are_called_as_we_saw_them_else_as_the_roster_says(directory, known):
    assert directory.name_of(person("known")) == "Known"
    known[person("known")] = Place(person("known"), "Dana Devlin", known[person("known")].data)
    assert directory.name_of(person("known")) == "Dana Devlin"


def test_whom_we_never_met_is_named_by_those_who_read_along(directory, known, teams):
    at = TeamsAddress(TENANT, teams.url, "28:bot", f"{ALL};messageid=1", Kind.CHANNEL, "any")
    stranger = person("plain")
    del known[stranger]
    assert directory.name_of(stranger) == "a colleague"
    assert directory.name_of(stranger, at) == "Plain"
    assert directory.name_of(f"teams:{TENANT}:nobody", at) == "a colleague"
    assert directory.name_of("slack:T1:U1", at) == "a colleague"
    assert len([call for call in teams.calls if call.what == "members"]) == 1, "the roster is kept for a while"


@pytest.mark.parametrize("who", ["dana", "slack:T01:U1", "teams:", f"teams:{TENANT}:{user_id('ff')}"])
def test_somebody_we_do_not_know_is_a_colleague(directory, who):
    assert directory.name_of(who) == "a colleague"


def test_somebody_whom_only_entra_knows_is_called_as_there(with_graph, graph):
    graph.users[user_id("ff")] = entra_user(name="Harriet Quill")
    assert with_graph.name_of(f"teams:{TENANT}:{user_id('ff')}") == "Harriet Quill"
    graph.failure = DirectoryUnavailable("no")
    assert with_graph.name_of(f"teams:{TENANT}:{user_id('fe')}") == "a colleague"


def test_a_name_is_never_an_error(directory, teams, api, path):
    teams.fails("member", Fault(500))
    assert directory.name_of(person("known")) == "a colleague"

    def broken(place_id: str) -> Place | None:
        raise DatabaseUnavailable("locked")

    broken_directory = TeamsDirectory(api, FileDirectory(path, "default"), broken, "default", home=TENANT)
    assert broken_directory.name_of(person("known")) == "a colleague"


# --- where we saw them


def test_places_come_from_the_database_and_end_when_we_are_removed(database, teams, api, path):
    directory = TeamsDirectory(api, FileDirectory(path, "default"), known_places(database), "default", home=TENANT)
    assert directory.members(room_of("team")) == ()
    with database.writing() as session:
        data = {"service_url": teams.url, "conversation": "19:team@thread.tacv2", "kind": "channel"}
        places.put(session, room_of("team"), "teams", "Team", data)
        places.put(session, person("known"), "teams", "Dana Devlin", {**data, "account": "29:known"})
    assert "hr" in directory.person(person("known")).groups
    assert directory.name_of(person("known")) == "Dana Devlin"
    assert reads(directory, "team", "hr")
    with database.writing() as session:
        places.leave(session, room_of("team"))
    assert directory.members(room_of("team")) == ()
