from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet

from answerloop.backends.slack_checkup import SlackCheckup
from answerloop.backends.tokens_slack import SlackTokens
from answerloop.settings import load_settings
from answerloop.slack.manifest import SCOPES
from tests.slack_stub import SlackStub, slack_stub


@pytest.fixture
def slack() -> Iterator[SlackStub]:
    users = {"UHERE": {"id": "UHERE"}, "ULEFT": {"id": "ULEFT", "deleted": True}}
    with slack_stub() as stub:
        stub.scopes = ",".join(SCOPES)
        stub.replies = {
            "auth.test": {"team": "Acme", "team_id": "T01", "user": "askbot", "user_id": "UBOT"},
            "apps.connections.open": {"url": "wss://example.com"},
            "users.info": lambda arguments: (
                {"user": users[arguments["user"]]}
                if arguments["user"] in users
                else {"ok": False, "error": "user_not_found"}
            ),
            "conversations.info": lambda arguments: (
                {"channel": {"is_member": True}}
                if arguments["channel"] == "CHELP"
                else {"ok": False, "error": "channel_not_found"}
            ),
        }
        yield stub


@pytest.fixture
def examine(slack, database):
    def found(**values: Any) -> dict[str, str]:
        """What is not healthy."""
        settings = load_settings(slack_api_url=slack.url, **values)
        checkup = SlackCheckup(settings, SlackTokens.of(settings, database), database)
        return {finding.check: finding.text for finding in checkup.findings() if not finding.healthy}

    return found


HTTP = {"slack": "http", "slack_bot_token": "xoxb-1", "slack_signing_secret": "hush"}
SOCKET = {"slack": "socket", "slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1"}


@pytest.mark.parametrize("settings", [HTTP, SOCKET])
def test_nothing_is_missing(examine, settings):
    assert examine(**settings, slack_escalation="UHERE", slack_escalation_channel="CHELP") == {}


def test_what_is_not_set_is_named_with_its_variable(examine):
    assert set(examine()) == {"slack", "slack bot token"}
    assert "ANSWERLOOP_SLACK " in examine()["slack"]
    assert "ANSWERLOOP_SLACK_BOT_TOKEN" in examine()["slack bot token"]
    assert "ANSWERLOOP_SLACK_SIGNING_SECRET" in examine(slack="http")["slack signing secret"]
    assert "ANSWERLOOP_SLACK_APP_TOKEN" in examine(slack="socket")["slack app token"]


def test_tokens_in_each_others_place_are_told_and_not_shown(examine):
    unhealthy = examine(slack="socket", slack_bot_token="xapp-secret", slack_app_token="xoxb-secret")
    assert "should begin with xoxb-" in unhealthy["slack bot token"]
    assert "should begin with xapp-" in unhealthy["slack app token"]
    assert "secret" not in str(unhealthy)


def test_missing_scopes_are_named(examine, slack):
    slack.scopes = ", ".join(scope for scope in SCOPES if scope not in ("chat:write", "usergroups:read"))
    assert examine(**HTTP)["slack scopes"].startswith("missing: chat:write, usergroups:read;")


def test_a_token_that_slack_refuses(examine, slack):
    slack.replies["auth.test"] = slack.replies["apps.connections.open"] = {"ok": False, "error": "invalid_auth"}
    unhealthy = examine(**SOCKET)
    assert unhealthy["slack workspace"] == unhealthy["slack connection"] == "Slack says invalid_auth"


def test_slack_out_of_reach_is_a_finding_of_each_check_that_needs_it(examine, slack):
    slack.failure = (503, {})
    assert set(examine(**SOCKET, slack_escalation="UHERE")) == {"slack connection", "slack workspace", "slack people"}


def test_people_and_a_channel_that_are_not_there(examine):
    settings = HTTP | {"slack_escalation": "UHERE,ULEFT,UNOBODY", "slack_admins": "UADMIN"}
    assert "ULEFT, UNOBODY" in examine(**HTTP, slack_escalation="UHERE,ULEFT,UNOBODY")["slack people"]
    assert "ANSWERLOOP_SLACK_ADMINS names nobody who is there: UADMIN" in examine(**settings)["slack people"]
    assert "CNONE" in examine(**HTTP, slack_escalation_channel="CNONE")["slack escalation channel"]


def test_every_workspace_that_has_installed_us_is_looked_at(examine, slack, database):
    many = {
        "slack": "http",
        "slack_signing_secret": "hush",
        "slack_client_id": "client",
        "secret_keys": Fernet.generate_key().decode(),
    }
    assert "none has installed us" in examine(**many)["slack workspace"]
    tokens = SlackTokens.of(load_settings(slack_api_url=slack.url, **many), database)
    for workspace in ("T01", "T02"):
        tokens.install(
            workspace, "UBOT", f"xoxb-{workspace}", refresh_token="", expires_at=None, installed_by="", details={}
        )
    assert examine(**many) == {}
    asked = {arguments["token"] for method, arguments in slack.calls if method == "auth.test"}
    assert asked == {"xoxb-T01", "xoxb-T02"}
