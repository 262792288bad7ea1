"""What is shown changes with the same facts in Slack and in Teams."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from answerloop.db.repositories.places import Place
from answerloop.domain import (
    Action,
    Confidence,
    Escalation,
    HomeFacts,
    HomeQuestion,
    Notice,
    NoticeKind,
    Outcome,
    OutgoingMessage,
    Progress,
    Respond,
    RoomSettings,
    Stage,
)
from answerloop.slack.address import Mode, SlackAddress
from answerloop.slack.notices import render_notice as slack_notice
from answerloop.slack.progress import render_progress as slack_progress
from answerloop.slack.rendered import Style
from answerloop.teams.notices import render_notice as teams_notice
from answerloop.teams.progress import render_progress as teams_progress
from bot.slack import views
from bot.teams import dialogs
from tests.unit.answerloop.slack import messages as slack_messages
from tests.unit.answerloop.slack.messages import HANDBOOK, NOW, SURE
from tests.unit.answerloop.teams import messages as teams_messages
from tests.unit.answerloop.teams.messages import DANA, FINN


def both(slack: Any, teams: Any) -> tuple[str, str]:
    return json.dumps(slack, default=str), json.dumps(teams, default=str)


def answers(message: OutgoingMessage) -> tuple[str, str]:
    """With the question above."""
    teams = replace(message, asker=DANA if message.asker == SURE.asker else FINN)
    slack = slack_messages.shown(message, Style.CLASSIC, shared=True)
    return both(slack.blocks, teams_messages.shown(teams, restate=True))


CHANGES: dict[str, dict[str, Any]] = {
    "text": {"text": "Something else."},
    "outcome": {"outcome": Outcome.FAILED},
    "confidence": {"confidence": Confidence.UNCERTAIN},
    "sources": {"sources": ()},
    "question": {"question": "What else?"},
    "asker": {"asker": slack_messages.FINN},
    "action": {"action": Action.REFUSED},
    "verified": {"verified": True},
    "escalation": {"escalation": Escalation(DANA)},
    "sensitivity": {"sensitivity": "Internal"},
    "answer_id": {"answer_id": "another"},
}


@pytest.mark.parametrize("name", [field.name for field in fields(OutgoingMessage) if field.name != "question_id"])
def test_all_of_an_answer_is_seen_on_both(name):
    before, after = answers(SURE), answers(replace(SURE, **CHANGES[name]))
    assert [old != new for old, new in zip(before, after, strict=True)] == [True, True]


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind is not NoticeKind.HOME])
@pytest.mark.parametrize("changed", [
    {"text": "Another text"}, {"question": "What else?"}, {"people": ()}, {"answer_id": "another"}, {"id": "another"},
    {"escalation": Escalation(DANA, FINN)},
])  # fmt: skip
def test_a_notice_of_every_kind_tells_the_same_on_both(kind, changed):
    """HOME is a message in Teams and a page of its own in Slack, which the page says and the next test compares."""
    notice = Notice("n1", kind, "A text", (FINN,), "How long?", "a1", Escalation(DANA))
    looks = [
        both(
            slack_notice(each, "en").blocks,
            teams_notice(each, teams_messages.named, "en", NOW)["attachments"],
        )
        for each in (notice, replace(notice, **changed))
    ]
    slack, teams = (looks[0][number] != looks[1][number] for number in (0, 1))
    assert slack == teams


@pytest.mark.parametrize("changed", [
    {"documents": 7}, {"updated_at": NOW - timedelta(days=90)}, {"questions": ()}, {"admin": True},
])  # fmt: skip
def test_the_home_tells_the_same_on_both(changed):
    question = HomeQuestion("How long?", Outcome.ANSWERED, NOW, an_address())
    facts = HomeFacts(33, NOW, (question,))
    looks = [
        both(
            views.home(each, NOW, admin=each.admin),
            teams_notice(Notice("n1", NoticeKind.HOME, home=each), teams_messages.named, "en", NOW),
        )
        for each in (facts, replace(facts, **changed))
    ]
    assert [looks[0][number] != looks[1][number] for number in (0, 1)] == [True, True]


def an_address() -> dict[str, Any]:
    return SlackAddress("T01", "C01", "U01", Mode.EPHEMERAL).as_json()


@pytest.mark.parametrize("changed", [
    {"text": "Another"}, {"outcome": None}, {"asked_at": NOW - timedelta(days=90)}, {"answer": "**90 days**"},
])  # fmt: skip
def test_a_last_question_tells_the_same_on_both(changed):
    """Slack shows the answer of a question that its asker alone was answered."""
    question = HomeQuestion("How long?", Outcome.ANSWERED, NOW, an_address())
    looks = [
        both(
            views.home(HomeFacts(1, NOW, (each,)), NOW, admin=False),
            teams_notice(Notice("n", NoticeKind.HOME, home=HomeFacts(1, NOW, (each,))), str, "en", NOW),
        )
        for each in (question, replace(question, **changed))
    ]
    assert [looks[0][number] != looks[1][number] for number in (0, 1)] == [True, True]


PROGRESS = Progress("q1", Stage.WRITING, sources=(HANDBOOK,), text="**90 days**")


@pytest.mark.parametrize("changed", [{"stage": Stage.READING}, {"text": "Another"}, {"ahead": 3}])
def test_the_waiting_tells_the_same_on_both(changed):
    looks = [
        both(slack_progress(each, "en"), teams_progress(each, "en"))
        for each in (replace(PROGRESS, stage=Stage.QUEUED), replace(PROGRESS, **{"stage": Stage.QUEUED, **changed}))
    ]
    slack, teams = (looks[0][number] != looks[1][number] for number in (0, 1))
    assert slack == teams


SETTINGS: dict[str, Any] = {
    "respond": "off", "ephemeral": True, "sources": ("/srv/a",), "allow": ("U01ABC",), "escalation": ("U01ABC",),
    "language": "de",
}  # fmt: skip


@pytest.mark.parametrize("name", [field.name for field in fields(RoomSettings)])
def test_every_setting_of_a_room_is_in_both_dialogs(name):
    value = Respond.OFF if name == "respond" else SETTINGS[name]
    room = Place("teams:t:19:x", "Lunch", {})
    before, after = (
        both(views.room_settings("C01GENERAL", each, ()), dialogs.room_form(room, each, ()))
        for each in (RoomSettings(), replace(RoomSettings(), **{name: value}))
    )
    assert [old != new for old, new in zip(before, after, strict=True)] == [True, True]
