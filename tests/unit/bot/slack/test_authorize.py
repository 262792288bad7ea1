"""Whose bot we are is told from our own records; a request of somebody else's workspace gets nothing."""

import inspect

import pytest

from answerloop.errors import DatabaseUnavailable, DeliveryImpossible, DeliveryUnavailable
from answerloop.observability import UNKNOWN_WORKSPACES
from bot.home import Home
from bot.slack.app import SlackApp
from bot.slack.authorize import authorizer
from tests.unit.bot.slack.slack_kit import BOT, TEAM, SlackKit, mention


def known(workspace: str) -> str:
    if workspace != TEAM:
        raise DeliveryImpossible(f"The workspace {workspace} has not installed us.")
    return f"xoxb-{workspace}"


def raising(error: Exception):
    def ask(workspace: str) -> str:
        raise error

    return ask


def asking(kit: SlackKit, authorize) -> SlackKit:
    """The same kit, where the workspace is asked for so."""
    kit.app.later.close()
    home = Home(kit.database, kit.directory, "default")
    parts = (kit.messages, kit.actions, kit.rooms, home, frozenset[str](), kit.forgotten.append)
    kit.app = SlackApp(authorize, "http://127.0.0.1:1/api/", *parts)
    return kit


def test_bolt_is_told_who_we_are_in_a_workspace_of_ours():
    result = authorizer(known, lambda workspace: BOT)("E01", TEAM)
    assert (result.enterprise_id, result.team_id, result.bot_user_id, result.bot_token) == (
        "E01",
        TEAM,
        BOT,
        "xoxb-T01",
    )


def test_bolt_finds_the_arguments_that_it_knows_by_name():
    assert list(inspect.signature(authorizer(known, known)).parameters) == ["enterprise_id", "team_id"]


@pytest.mark.parametrize("workspace", ["T02", "", None])
def test_a_workspace_that_has_not_installed_us_is_counted_and_gets_nothing(workspace, caplog):
    before = UNKNOWN_WORKSPACES._value.get()
    assert authorizer(known, known)(None, workspace) is None
    assert UNKNOWN_WORKSPACES._value.get() == before + 1
    assert [record.message for record in caplog.records] == ["request of a workspace that has not installed us"]


def test_where_slack_does_not_tell_our_name_now_a_mention_is_heard_all_the_same(kit):
    asking(kit, authorizer(known, raising(DeliveryUnavailable("out of reach"))))
    assert kit.send(mention()).status == 200
    assert len(kit.questions()) == 1


def test_a_request_of_another_workspace_leaves_no_trace(kit):
    asking(kit, authorizer(known, known))
    assert kit.send({**mention(), "team_id": "T02", "authorizations": [{"team_id": "T02"}]}).status == 200
    assert kit.questions() == []


@pytest.mark.parametrize("error", [DatabaseUnavailable("locked"), DeliveryUnavailable("renewing the token")])
def test_a_token_that_cannot_be_read_now_makes_slack_send_it_again(kit, error, caplog):
    asking(kit, authorizer(raising(error), known))
    assert kit.send(mention()).status == 503
    assert kit.questions() == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
