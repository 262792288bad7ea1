"""Where people are called, and who: there, where the question stands; never where its asker did not show it."""

import pytest

from answerloop.domain import RoomSettings
from answerloop.slack.address import Mode, SlackAddress, room_id
from bot.rooms import Rooms
from bot.slack.escalation import Escalation

THREAD = SlackAddress("T01", "C01", "UALICE", thread="1.1", message="1.1", language="de")
PRIVATE = SlackAddress("T01", "C01", "UALICE", Mode.EPHEMERAL, response_url="https://hooks.slack.com/1", language="de")
DIRECT = SlackAddress("T01", "D01", "UALICE", Mode.DIRECT, thread="1.1", message="1.1")
EVERYBODY = ("UHELP", "UDESK")


@pytest.fixture
def rooms(database) -> Rooms:
    return Rooms(database, clock=iter(range(0, 10**9, 1000)).__next__)


def persons(*users: str, workspace: str = "T01") -> tuple[str, ...]:
    return tuple(f"slack:{workspace}:{user}" for user in users)


def test_a_question_before_all_calls_in_its_thread(rooms):
    for channel in ("", "CHELP"):
        [call] = Escalation(rooms, EVERYBODY, channel)(THREAD.room, THREAD.as_json())
        assert (call.address, call.people, call.room) == (THREAD.as_json(), persons(*EVERYBODY), "slack:T01:C01")


def test_in_a_thread_somebody_is_called_even_when_nobody_is_named(rooms):
    [call] = Escalation(rooms, (), "")(THREAD.room, THREAD.as_json())
    assert (call.people, call.room) == ((), "slack:T01:C01")


@pytest.mark.parametrize("address", [PRIVATE, DIRECT])
def test_a_private_question_calls_in_the_channel_for_this(rooms, address):
    [call] = Escalation(rooms, EVERYBODY, "CHELP")(None, address.as_json())
    there = SlackAddress.parse(call.address)
    assert (there.channel, there.thread, there.mode, there.response_url) == ("CHELP", None, Mode.THREAD, None)
    assert (there.language, call.people, call.room) == (address.language, persons(*EVERYBODY), "slack:T01:CHELP")


@pytest.mark.parametrize("address", [PRIVATE, DIRECT])
def test_without_such_a_channel_each_person_is_called_alone(rooms, address):
    calls = Escalation(rooms, EVERYBODY, "")(None, address.as_json())
    assert [call.people for call in calls] == [persons("UHELP"), persons("UDESK")]
    assert [call.room for call in calls] == [None, None]
    places = [SlackAddress.parse(call.address) for call in calls]
    assert [(at.channel, at.user, at.mode) for at in places] == [(user, user, Mode.DIRECT) for user in EVERYBODY]
    assert {at.thread or at.message or at.response_url for at in places} == {None}


def test_a_private_question_calls_nobody_where_nobody_is_named(rooms):
    assert Escalation(rooms, (), "")(None, PRIVATE.as_json()) == []


def test_the_people_of_a_channel_are_called_for_what_was_asked_there(rooms):
    rooms.change(room_id("T01", "C01"), RoomSettings(escalation=("UTEAM",)), "admin")
    escalation = Escalation(rooms, EVERYBODY, "")
    assert [call.people for call in escalation(THREAD.room, THREAD.as_json())] == [persons("UTEAM")]
    assert [call.people for call in escalation(None, PRIVATE.as_json())] == [persons("UTEAM")]
    assert [call.people for call in escalation(None, DIRECT.as_json())] == [persons("UHELP"), persons("UDESK")]


def test_a_channel_of_the_same_id_in_another_workspace_is_another_one(rooms):
    rooms.change(room_id("T01", "C01"), RoomSettings(escalation=("UTEAM",)), "admin")
    elsewhere = SlackAddress("T02", "C01", "UALICE")
    [call] = Escalation(rooms, EVERYBODY, "")(elsewhere.room, elsewhere.as_json())
    assert call.people == persons(*EVERYBODY, workspace="T02")
