from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.models.views import View

from answerloop.domain import FeedbackReason, HomeFacts, HomeQuestion, Outcome, Respond, RoomSettings
from answerloop.slack.address import SlackAddress
from bot.slack import views

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ASKED = HomeQuestion("How long?", Outcome.ANSWERED, NOW, SlackAddress("T01", "C01", "U01").as_json())
FACTS = HomeFacts(33, NOW - timedelta(days=1), (ASKED, replace(ASKED, outcome=None)))
ROOM = RoomSettings(Respond.QUESTIONS, True, ("/srv/handbook",), ("U01",), ("U02",), "de")


def room_blocks(settings):
    return {
        block["block_id"]: block
        for block in views.room_settings("C01", settings, ("/srv/it", "/srv/handbook"))["blocks"]
        if block["type"] == "input"
    }


def known(facts):
    return views.home(facts, NOW, admin=False)["blocks"][1]["elements"][0]["text"]


@pytest.mark.parametrize(
    "view",
    [
        views.feedback_details("a1"),
        views.thanked(),
        views.room_settings("C01", ROOM, ("/srv/it", "/srv/handbook")),
        views.room_settings("C01", RoomSettings(), ()),
        views.home(FACTS, NOW, admin=True),
        views.home(HomeFacts(0, None, ()), NOW, admin=False),
    ],
)
def test_the_vendor_finds_no_fault_with_any_view(view):
    parsed = View(**view)
    parsed.validate_json()
    assert len(parsed.blocks) == len(view["blocks"])


def test_the_home_counts_documents_as_people_do():
    assert known(FACTS).startswith("I know 33 documents that you may read, last updated yesterday.")
    assert known(replace(FACTS, documents=1, updated_at=None)).startswith("I know 1 document that you may read. ")
    assert known(HomeFacts(0, None, ())) == "There is no document yet that you may read."


def test_the_home_tells_what_became_of_the_last_questions():
    texts = [block["text"]["text"] for block in views.home(FACTS, NOW, admin=False)["blocks"][-2:]]
    assert [text.rpartition(" – ")[2] for text in texts] == ["answered, today", "waiting, today"]


def test_the_settings_of_a_room_cannot_be_emptied_of_what_they_need():
    blocks = room_blocks(ROOM)
    assert {name for name, block in blocks.items() if not block["optional"]} == {"respond", "language"}
    assert blocks["respond"]["element"]["initial_option"]["value"] == "questions"
    assert blocks["language"]["element"]["initial_option"]["value"] == "de"


def test_what_the_settings_dialog_shows_is_what_it_reads_back():
    values = {}
    for name, block in room_blocks(ROOM).items():
        element = block["element"]
        values[name] = {
            element["action_id"]: {
                key.replace("initial", "selected"): value for key, value in element.items() if key.startswith("initial")
            }
        }
    assert views.read_room_settings(values, ROOM, ("/srv/it", "/srv/handbook")) == ROOM


def test_every_reason_can_be_chosen():
    reasons = views.feedback_details("a1")["blocks"][0]["element"]["options"]
    assert {option["value"] for option in reasons} == set(FeedbackReason)
