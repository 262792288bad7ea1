"""Dialogs and the App Home, with a Slack that is asked who somebody is: who may change the settings of a channel."""

from collections.abc import Iterator
from typing import Any

import pytest

from answerloop.db.session import Database
from answerloop.domain import Respond, RoomSettings
from answerloop.slack.address import room_id
from answerloop.testing.installation import until
from answerloop.testing.slack_server import BROKEN, LOST, Fault, SlackServer
from bot.slack import views
from tests.unit.bot.slack.slack_kit import ALICE, BOB, BOT, CHANNEL, TEAM, SlackKit, click, event, mention, submitted
from tests.unit.bot.slack.test_views import submitted as unchanged

ADMIN, OWNER, GUEST, FOREIGN, NAMED = "UADMIN", "UOWNER", "UGUEST", "UFOREIGN", "UNAMED"
PEOPLE = {
    ADMIN: {"team_id": TEAM, "is_admin": True},
    OWNER: {"team_id": TEAM, "is_owner": True},
    ALICE: {"team_id": TEAM},
    GUEST: {"team_id": TEAM, "is_restricted": True},
    FOREIGN: {"team_id": "T02", "is_admin": True},
}
ADMINS, OTHERS = (ADMIN, OWNER, NAMED), (ALICE, GUEST, FOREIGN, BOB)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        server.workspace.users = {user: {"id": user, "name": user, **facts} for user, facts in PEOPLE.items()}
        yield server


@pytest.fixture
def kit(database: Database, slack: SlackServer) -> Iterator[SlackKit]:
    kit = SlackKit(database, slack.url, frozenset({NAMED}))
    yield kit
    kit.app.later.close()


def open_home(kit: SlackKit, user: str, tab: str = "home") -> None:
    assert kit.send(event(f"Ev-{user}", type="app_home_opened", user=user, tab=tab)).status == 200


def choose(user: str, channel: str = CHANNEL, team: str = TEAM) -> dict[str, Any]:
    payload = click("home_room", "", user=user, team=team)
    payload["actions"] = [
        {"type": "conversations_select", "action_id": "home_room", "block_id": "b", "selected_conversation": channel}
    ]
    return payload


def values(respond: Respond = Respond.ALL) -> dict[str, Any]:
    return unchanged(views.room_settings(CHANNEL, RoomSettings(respond=respond), []))


def save(kit: SlackKit, user: str, channel: str = CHANNEL, team: str = TEAM, said: Any = None) -> str:
    payload = submitted(views.ROOM_SETTINGS, channel, values() if said is None else said, user=user, team=team)
    response = kit.send(payload)
    return response.body if response.status == 200 else str(response.status)


def respond_of(kit: SlackKit, team: str = TEAM) -> Respond:
    return kit.rooms.settings_of(room_id(team, CHANNEL)).respond


def opened(kit: SlackKit, slack: SlackServer, user: str) -> None:
    """Wait until the dialog stands before them."""
    kit.send(choose(user))
    until(lambda: slack.called("views.open"), 10, 0.01)


# --- the App Home


@pytest.mark.parametrize("user", [ADMIN, OWNER, NAMED, ALICE, GUEST, FOREIGN])
def test_only_admins_of_this_workspace_are_offered_its_channels(kit, slack, user):
    open_home(kit, user)
    [published] = until(lambda: slack.called("views.publish"), 10, 0.01)
    assert published["user_id"] == user
    assert ("home_room" in str(published["view"])) is (user in ADMINS)


def test_a_slack_that_fails_costs_the_view_and_nothing_else(kit, slack):
    slack.fails("users.info", BROKEN)
    open_home(kit, ADMIN)
    until(lambda: slack.called("users.info"), 10, 0.01)
    open_home(kit, ALICE)
    published = until(lambda: slack.called("views.publish"), 10, 0.01)
    assert [said["user_id"] for said in published] == [ALICE]


# --- the settings of a channel


@pytest.mark.parametrize("user", ADMINS)
def test_an_admin_changes_the_settings_of_a_channel(kit, slack, user):
    opened(kit, slack, user)
    [dialog] = slack.called("views.open")
    assert (dialog["trigger_id"], dialog["view"]["private_metadata"]) == ("trigger-1", CHANNEL)
    assert save(kit, user, dialog["view"]["private_metadata"]) == ""
    assert respond_of(kit) is Respond.ALL


@pytest.mark.parametrize("user", OTHERS)
def test_nobody_else_gets_the_dialog_or_changes_anything_without_it(kit, slack, user):
    kit.send(choose(user))
    until(lambda: slack.called("users.info"), 10, 0.01)
    assert "open this dialog again" in save(kit, user)
    assert slack.called("views.open") == []
    assert respond_of(kit) is Respond.MENTIONS


def test_an_admin_of_one_workspace_is_none_of_another_one(kit, slack):
    opened(kit, slack, ADMIN)
    assert "open this dialog again" in save(kit, ADMIN, team="T02")
    assert respond_of(kit, "T02") is Respond.MENTIONS


def test_an_admin_is_believed_for_an_hour(kit, slack):
    opened(kit, slack, ADMIN)
    kit.now = 3599
    assert save(kit, ADMIN) == ""
    kit.now = 3600
    assert "open this dialog again" in save(kit, ADMIN, said=values(Respond.OFF))
    assert respond_of(kit) is Respond.ALL


def test_whoever_is_no_admin_any_more_is_refused_from_the_next_look_on(kit, slack):
    opened(kit, slack, ADMIN)
    slack.workspace.users[ADMIN]["is_admin"] = False
    open_home(kit, ADMIN)
    until(lambda: slack.called("views.publish"), 10, 0.01)
    assert "open this dialog again" in save(kit, ADMIN)


@pytest.mark.parametrize(
    "channel", ["", "general", "C01:T02", "D01", "U01", "C" + "0" * 300, "C01> <!channel", "c01", "../C01"]
)
def test_what_is_no_channel_is_refused_whoever_says_it(kit, slack, channel):
    opened(kit, slack, ADMIN)
    assert save(kit, ADMIN, channel) == "400"
    assert kit.send(choose(ADMIN, channel)).status == 400
    assert len(slack.called("views.open")) == 1


@pytest.mark.parametrize("said", ["x", [], {"respond": {}}, {**values(), "language": {"language": {}}}])
def test_values_that_no_dialog_of_ours_sends_are_refused(kit, slack, said):
    opened(kit, slack, ADMIN)
    assert save(kit, ADMIN, said=said) == "400"
    assert respond_of(kit) is Respond.MENTIONS


def test_an_admin_whom_slack_cannot_name_now_gets_no_dialog(kit, slack):
    slack.fails("users.info", LOST)
    assert kit.send(choose(ADMIN)).status == 200
    until(lambda: slack.called("users.info"), 10, 0.01)
    assert "open this dialog again" in save(kit, ADMIN)


# --- other dialogs


@pytest.mark.parametrize(("action", "value"), [("answer_down", "{}"), ("answer_feedback", "down:{}")])
def test_a_thumb_down_opens_the_dialog_that_asks_why(kit, slack, action, value):
    kit.send(mention())
    answer = kit.answer()
    kit.send(click(action, value.format(answer), user=BOB))
    [dialog] = until(lambda: slack.called("views.open"), 10, 0.01)
    assert (dialog["view"]["callback_id"], dialog["view"]["private_metadata"]) == (views.FEEDBACK_DETAILS, answer)


def test_a_dialog_that_comes_too_late_leaves_the_thumb(kit, slack):
    slack.fails("views.open", Fault(error="expired_trigger_id"))
    kit.send(mention())
    answer = kit.answer()
    kit.send(click("answer_down", answer))
    until(lambda: slack.called("views.open"), 10, 0.01)
    assert kit.opinions() == {ALICE: ("down", None, None)}


@pytest.mark.parametrize("action", ["suggestion_accept", "suggestion_dismiss"])
def test_a_suggestion_that_was_answered_goes_away(kit, slack, action):
    name = "suggestion"
    payload = click(action, "n1", user=BOB, alone=True) | {"response_url": slack.response_url(name)}
    assert kit.send(payload).status == 200
    until(lambda: slack.workspace.private == [], 10, 0.01)


def test_our_own_bot_opens_no_home(kit, slack):
    assert kit.send(event(type="app_home_opened", user=BOT, tab="about")).status == 200
    assert slack.calls == []
