"""Dialogs and the App Home keep to Slack's limits whatever stands in them, and come back as what they showed."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.views import View

from answerloop.chat.wording import SPOKEN
from answerloop.domain import FeedbackReason, HomeFacts, HomeQuestion, Outcome, Respond, RoomSettings
from answerloop.slack.address import Mode, SlackAddress
from answerloop.slack.rendered import MOST_SECTION
from bot.slack import views
from tests.unit.answerloop.slack.test_answer import texts_of
from tests.unit.answerloop.slack.test_mrkdwn import TEXTS

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CHANNEL = "C01GENERAL"
LINK = re.compile(r"<https://slack\.com/app_redirect\?team=T01&amp;channel=\w+\|[^<>|]*>")
USERS = st.lists(st.from_regex(views.USER, fullmatch=True), max_size=3, unique=True).map(tuple)
LOCATIONS = st.lists(
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=200), max_size=4, unique=True
)
ROOM_SETTINGS = st.builds(
    RoomSettings,
    respond=st.sampled_from(Respond),
    ephemeral=st.booleans(),
    sources=LOCATIONS.map(tuple),
    allow=USERS,
    escalation=USERS,
    language=st.sampled_from(sorted(SPOKEN)),
)


def options_of(view: Any) -> list[dict[str, Any]]:
    if isinstance(view, dict):
        own = [*(view.get("options") or ()), *(view.get("initial_options") or ())]
        return [*own, *(option for value in view.values() for option in options_of(value))]
    return [option for value in view for option in options_of(value)] if isinstance(view, list) else []


def check(view: dict[str, Any]) -> None:
    """What the vendor checks, and what only its documentation tells."""
    assert View(**view).to_dict() == view  # validates, and drops what it does not know
    blocks = [block["block_id"] for block in view["blocks"] if "block_id" in block]
    assert len(blocks) == len(set(blocks))
    for option in options_of(view):
        assert 1 <= len(option["text"]["text"]) <= 75
        assert 1 <= len(option["value"]) <= 150
    for block in view["blocks"]:
        element = block.get("element", {})
        chosen = [*element.get("initial_options", ()), *filter(None, [element.get("initial_option")])]
        assert all(option in element["options"] for option in chosen)
        if block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= MOST_SECTION


def submitted(view: dict[str, Any]) -> dict[str, Any]:
    """What Slack sends when nothing was changed."""
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        element = block.get("element")
        if element is None:
            continue
        state: dict[str, Any] = {"type": element["type"]}
        match element["type"]:
            case "static_select":
                state["selected_option"] = element.get("initial_option")
            case "checkboxes" | "multi_static_select":
                state["selected_options"] = element.get("initial_options", [])
            case "multi_users_select":
                state["selected_users"] = element.get("initial_users", [])
        values[block["block_id"]] = {element["action_id"]: state}
    return values


# --- why a thumb is down


@pytest.mark.parametrize("answer_id", ["a1", "f" * 32])
def test_the_dialog_about_an_answer_keeps_to_the_limits(answer_id):
    view = views.feedback_details(answer_id)
    check(view)
    assert view["private_metadata"] == answer_id
    assert {option["value"] for option in options_of(view)} == set(FeedbackReason)


# --- the settings of a channel


@given(ROOM_SETTINGS, LOCATIONS)
def test_settings_that_nobody_changes_stay_as_they_are(room, sources):
    view = views.room_settings(CHANNEL, room, sources)
    check(view)
    assert views.read_room_settings(submitted(view), room, sources) == room


@settings(max_examples=30)
@given(
    st.lists(st.text(min_size=1), min_size=150, max_size=160, unique=True),
    st.lists(TEXTS, max_size=3).map(tuple),
    st.text(max_size=20),
)
def test_whatever_a_file_says_the_dialog_opens(sources, people, language):
    view = views.room_settings(CHANNEL, RoomSettings(allow=people, escalation=people, language=language), sources)
    check(view)


def test_what_is_chosen_is_stored():
    before, sources = RoomSettings(), ("/srv/hr", "/srv/it")
    values = submitted(views.room_settings(CHANNEL, before, sources))
    offered = options_of(views.room_settings(CHANNEL, before, sources)["blocks"][-1])
    assert [option["text"]["text"] for option in offered] == list(sources)
    values["sources"]["sources"]["selected_options"] = [offered[1]]
    values["respond"]["respond"]["selected_option"] = {"value": "all"}
    values["ephemeral"]["ephemeral"]["selected_options"] = [{"value": "ephemeral"}]
    values["allow"]["allow"]["selected_users"] = ["U01", "W02"]
    assert views.read_room_settings(values, before, sources) == RoomSettings(
        respond=Respond.ALL, ephemeral=True, sources=("/srv/it",), allow=("U01", "W02")
    )


def test_a_source_stays_itself_when_another_one_comes_or_goes_meanwhile():
    room = RoomSettings(sources=("/srv/hr",))
    values = submitted(views.room_settings(CHANNEL, room, ["/srv/it", "/srv/hr"]))
    for now in (["/srv/hr", "/srv/it"], ["/srv/new", "/srv/it", "/srv/hr"], ["/srv/it"], []):
        assert views.read_room_settings(values, room, now).sources == ("/srv/hr",)


def test_long_locations_are_told_apart_by_their_ends():
    view = views.room_settings(CHANNEL, RoomSettings(), [f"/srv/{'x' * 100}/hr", f"/srv/{'x' * 100}/it"])
    shown = [option["text"]["text"][-3:] for option in options_of(view["blocks"][-1])]
    assert shown == ["/hr", "/it"]


def test_without_sources_there_is_nothing_to_choose():
    view = views.room_settings(CHANNEL, RoomSettings(), [])
    check(view)
    assert "sources" not in [block.get("block_id") for block in view["blocks"]]
    assert views.read_room_settings(submitted(view), RoomSettings(), []) == RoomSettings()


GOOD = submitted(views.room_settings(CHANNEL, RoomSettings(), ["/srv/hr"]))
JUNK = [None, [], {}, "x", 1, True, [None], {"value": None}, [{"value": "0"}], [{"value": -1}], ["U01>"], ["<!here>"]]


@pytest.mark.parametrize("junk", [None, [], "x", 7, {}, {"respond": None}])
def test_values_of_another_form_are_one_clear_error(junk):
    with pytest.raises(ValueError, match=r"."):
        views.read_room_settings(junk, RoomSettings(), ["/srv/hr"])


@pytest.mark.parametrize("block", GOOD)
@pytest.mark.parametrize("junk", JUNK)
def test_each_field_of_another_form_is_settings_or_one_clear_error(block, junk):
    for values in (
        {**GOOD, block: junk},
        {**GOOD, block: {block: junk}},
        {**GOOD, block: {block: dict.fromkeys(GOOD[block][block], junk)}},
    ):
        try:
            read = views.read_room_settings(values, RoomSettings(), ["/srv/hr"])
        except ValueError:
            continue
        assert set(read.sources) <= {"/srv/hr"}
        assert all(views.USER.fullmatch(user) for user in (*read.allow, *read.escalation))


@pytest.mark.parametrize(
    ("block", "state"),
    [
        ("respond", {"selected_option": {"value": "sometimes"}}),
        ("respond", {"selected_option": None}),
        ("language", {"selected_option": {"value": "xx"}}),
        ("sources", {"selected_options": [{"value": "0"}]}),
        ("sources", {"selected_options": [{"value": "/srv/hr"}]}),
        ("allow", {"selected_users": ["S01GROUP"]}),
        ("escalation", {"selected_users": ["U01", "<!channel>"]}),
    ],
)
def test_what_the_dialog_does_not_offer_is_refused(block, state):
    with pytest.raises(ValueError, match=r"."):
        views.read_room_settings({**GOOD, block: {block: state}}, RoomSettings(), ["/srv/hr"])


# --- the App Home


def a_question(text: str, outcome: Outcome | None = Outcome.ANSWERED, channel: str = CHANNEL) -> HomeQuestion:
    address = SlackAddress("T01", channel, "U01", Mode.THREAD).as_json()
    return HomeQuestion(text, outcome, NOW - timedelta(days=2), address)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=5), st.integers(0, 10**7), st.booleans(), st.sampled_from([*Outcome, None]))
def test_the_home_keeps_to_the_limits_and_brings_nothing_alive(texts, documents, admin, outcome):
    facts = HomeFacts(documents, NOW if documents else None, tuple(a_question(text, outcome) for text in texts))
    view = views.home(facts, NOW, admin=admin)
    check(view)
    for text in texts_of(view["blocks"]):
        assert "<" not in LINK.sub("", text)


def test_five_endless_questions_fit():
    view = views.home(HomeFacts(3, NOW, tuple(a_question("&<>" * 1000) for _ in range(5))), NOW, admin=True)
    check(view)


def test_the_home_says_what_was_asked_and_what_became_of_it():
    asked = (a_question("How long is leave?"), a_question("And now?", None), a_question("Why?", Outcome.ABSTAINED))
    every = "\n".join(texts_of(views.home(HomeFacts(1234, NOW, asked), NOW, admin=False)["blocks"]))
    assert "1,234 documents" in every
    assert "How long is leave?> – answered, 2 days ago" in every
    assert "And now?> – waiting" in every
    assert "Why?> – not answered" in every
    assert f"channel={CHANNEL}" in every


@pytest.mark.parametrize("admin", [True, False])
def test_only_admins_are_offered_the_settings_of_channels(admin):
    view = views.home(HomeFacts(0, None, ()), NOW, admin=admin)
    check(view)
    assert ("home_room" in str(view)) is admin
