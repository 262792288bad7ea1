"""Admins change the settings of rooms in a dialog of two steps."""

import pytest

from answerloop.domain import Respond, RoomSettings
from answerloop.teams.card import problems
from bot.payload import MalformedPayload
from tests.unit.bot.teams.teams_kit import ADA, ALICE, CHANNEL, TENANT, TeamsKit, activity, mention

ROOM = f"teams:{TENANT}:{CHANNEL}"
FORM = {
    "settings_of": ROOM, "respond": "questions", "ephemeral": "ephemeral", "language": "de",
    "escalation": f"{ADA},{ALICE}", "allow": "", "sources": "",
}  # fmt: skip


@pytest.fixture
def kit(database) -> TeamsKit:
    kit = TeamsKit(database, admins=[ADA])
    kit.app(mention(channelData={"tenant": {"id": TENANT}, "channel": {"name": "General"}}))
    return kit


def submit(kit: TeamsKit, data: dict, user: str = ADA, name: str = "task/submit") -> dict:
    reply = kit.app(activity("invoke", name=name, value={"data": data}, user=user))
    return reply.body["task"]


def test_an_admin_chooses_a_room_and_then_how_it_is_answered(kit: TeamsKit):
    first = submit(kit, {}, name="task/fetch")["value"]["card"]["content"]
    assert first["body"][0]["choices"] == [{"title": "General", "value": ROOM}]
    form = submit(kit, {"room": ROOM})["value"]["card"]
    assert problems({"attachments": [form]}) == []
    assert submit(kit, FORM)["value"] == "Saved."
    assert kit.rooms.settings_of(ROOM) == RoomSettings(Respond.QUESTIONS, True, (), (), (ADA, ALICE), "de")


def test_what_was_saved_is_what_the_form_shows_next_time(kit: TeamsKit):
    submit(kit, FORM)
    content = submit(kit, {"room": ROOM})["value"]["card"]["content"]
    shown = {element["id"]: element["value"] for element in content["body"] if "id" in element}
    assert shown == {name: FORM[name] for name in ("respond", "ephemeral", "language", "escalation", "allow")}


def test_a_source_that_is_not_there_any_more_stays_chosen(kit: TeamsKit):
    kit.settle(CHANNEL, sources=("/srv/hr",))
    content = submit(kit, {"room": ROOM})["value"]["card"]["content"]
    [chosen] = [element["value"] for element in content["body"] if element.get("id") == "sources"]
    submit(kit, {**FORM, "sources": chosen})
    assert kit.rooms.settings_of(ROOM).sources == ("/srv/hr",)


@pytest.mark.parametrize("data", [{}, {"room": ROOM}, FORM])
def test_nobody_else_sees_or_changes_anything(kit: TeamsKit, data):
    told = submit(kit, data, user=ALICE)
    assert told["type"] == "message"
    assert "ANSWERLOOP_TEAMS_ADMINS" in told["value"]
    assert kit.rooms.settings_of(ROOM) == RoomSettings()


@pytest.mark.parametrize(
    "change",
    [{"settings_of": "slack:T1:C1"}, {"settings_of": "teams:t-02:19:x"}, {"settings_of": f"teams:{TENANT}:oid-alice"},
     {"respond": "loudly"}, {"respond": None}, {"language": "xx"}, {"sources": "7"}, {"sources": "a"}, {"allow": 5}],
)  # fmt: skip
def test_what_no_form_of_ours_could_send_is_refused(kit: TeamsKit, change):
    with pytest.raises(MalformedPayload):
        submit(kit, {**FORM, **change})
    assert kit.rooms.settings_of(ROOM) == RoomSettings()
