from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select, update
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from answerloop.backends.tokens_slack import SlackTokens
from answerloop.db.repositories import installations
from answerloop.db.tables import SignInStateRow, now
from answerloop.errors import ConfigurationError, DatabaseUnavailable, DeliveryImpossible
from answerloop.settings import Settings, load_settings
from answerloop.slack.manifest import SCOPES
from bot.slack.oauth import SlackInstall
from tests.slack_stub import Arguments, SlackStub, slack_stub

GRANTED = {
    "access_token": "xoxe.xoxb-1",
    "refresh_token": "xoxe-1",
    "expires_in": 43200,
    "token_type": "bot",
    "bot_user_id": "UBOT",
    "app_id": "A01",
    "scope": "chat:write,commands",
    "team": {"id": "T01", "name": "Acme"},
    "authed_user": {"id": "U01"},
}


@pytest.fixture
def slack() -> Iterator[SlackStub]:
    def exchange(arguments: Arguments) -> dict[str, object]:
        return GRANTED if arguments.get("code") == "good" else {"ok": False, "error": "invalid_code"}

    with slack_stub() as stub:
        stub.replies = {"oauth.v2.access": exchange, "auth.test": {"bot_id": "BBOT"}}
        yield stub


@pytest.fixture
def settings(slack) -> Settings:
    return load_settings(
        slack_api_url=slack.url,
        slack_client_id="client",
        slack_client_secret="hush",
        slack_workspaces="T01, T02",
        public_url="https://ask.example.com/",
        secret_keys=Fernet.generate_key().decode(),
    )


@pytest.fixture
def tokens(settings, database) -> SlackTokens:
    return SlackTokens.of(settings, database)


@pytest.fixture
def browser(settings, tokens, database) -> Iterator[TestClient]:
    pages = SlackInstall(settings, tokens, database)
    app = Starlette(routes=[Route("/slack/install", pages.begin), Route("/slack/oauth_redirect", pages.finish)])
    with TestClient(app, base_url="https://ask.example.com", follow_redirects=False) as client:
        yield client


def begin(browser: TestClient) -> str:
    """Returns the state that Slack was given."""
    return parse_qs(urlsplit(browser.get("/slack/install").headers["location"]).query)["state"][0]


def finish(browser: TestClient, state: str, code: str = "good"):
    return browser.get("/slack/oauth_redirect", params={"state": state, "code": code})


def test_the_installer_is_sent_to_slack_with_what_we_ask_for(browser):
    sent = urlsplit(browser.get("/slack/install").headers["location"])
    asked = parse_qs(sent.query)
    assert (sent.scheme, sent.netloc) == ("https", "slack.com")
    assert asked["scope"] == [",".join(SCOPES)]
    assert asked["redirect_uri"] == ["https://ask.example.com/slack/oauth_redirect"]


def test_a_workspace_that_installs_us_has_a_token_that_will_be_renewed(browser, tokens, database):
    answer = finish(browser, begin(browser))
    assert answer.status_code == 200
    assert (tokens("T01"), tokens.known("T01")[1]) == ("xoxe.xoxb-1", "UBOT")
    with database.reading() as session:
        stored = installations.get(session, "slack", "T01")
    assert timedelta(hours=11) < stored.expires_at - now() < timedelta(hours=13)
    assert stored.installed_by == "slack:T01:U01"
    assert b"xoxe" not in stored.secret


def test_a_state_is_good_once(browser, slack):
    state = begin(browser)
    assert finish(browser, state).status_code == 200
    browser.cookies.set("slack-app-oauth-state", state)
    assert finish(browser, state).status_code == 401
    assert slack.times("oauth.v2.access") == 1


def test_a_state_is_good_for_ten_minutes_and_then_cleared_away(browser, database, slack):
    state = begin(browser)
    with database.writing() as session:
        session.execute(update(SignInStateRow).values(created_at=now() - timedelta(minutes=10)))
    assert finish(browser, state).status_code == 401
    assert slack.calls == []
    begin(browser)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SignInStateRow)) == 1


def test_a_state_is_good_in_the_browser_that_began_alone(browser, slack):
    state = begin(browser)
    browser.cookies.clear()
    assert finish(browser, state).status_code == 400
    assert slack.calls == []


@pytest.mark.parametrize(
    "query", ["", "?error=access_denied", "?state=a&code=b", "?state=%00&code=%ff", "?" + "a" * 999]
)
def test_nobody_can_make_it_fail(browser, slack, query):
    assert browser.get(f"/slack/oauth_redirect{query}").status_code < 500
    assert slack.calls == []


def test_a_code_that_slack_refuses_installs_nothing(browser, tokens):
    assert finish(browser, begin(browser), code="forged").status_code == 401
    with pytest.raises(DeliveryImpossible):
        tokens("T01")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_slack_that_fails_is_told_to_the_installer(browser, tokens, slack, status):
    state = begin(browser)
    slack.failure = (status, {})
    slack.replies["oauth.v2.access"] = {"ok": False, "error": "fatal_error"}
    answer = finish(browser, state)
    assert answer.status_code == 401
    assert "/slack/install" in answer.text
    with pytest.raises(DeliveryImpossible):
        tokens("T01")


@pytest.mark.parametrize("method", ["oauth.v2.access", "auth.test"])
def test_a_slack_that_is_out_of_reach_is_told_to_the_installer_and_the_operator(browser, tokens, slack, method, caplog):
    def hang_up(arguments: Arguments) -> dict[str, object]:
        raise ConnectionAbortedError

    slack.replies[method] = hang_up
    answer = finish(browser, begin(browser))
    assert answer.status_code == 503
    assert "out_of_reach" in answer.text
    assert "/slack/install" in answer.text
    assert "workspace not installed" in [record.message for record in caplog.records]
    with pytest.raises(DeliveryImpossible):
        tokens("T01")


def test_a_database_that_is_out_of_reach_is_no_fault_of_the_installer(browser, database, monkeypatch):
    state = begin(browser)

    def down() -> None:
        raise DatabaseUnavailable("disk full")

    monkeypatch.setattr(database, "writing", down)
    assert finish(browser, state).status_code == 503
    assert browser.get("/slack/install").status_code == 503


@pytest.mark.parametrize("change", [{"team": {"id": "T66", "name": "Strangers"}}, {"is_enterprise_install": True}])
def test_only_workspaces_that_were_named_may_install_us(browser, tokens, slack, change):
    slack.replies["oauth.v2.access"] = GRANTED | change
    answer = finish(browser, begin(browser))
    assert answer.status_code == 403
    assert "may not install the assistant" in answer.text
    with pytest.raises(DeliveryImpossible):
        tokens(change.get("team", {"id": "T01"})["id"])


def test_without_the_names_of_workspaces_nobody_may(settings, tokens, database):
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_SLACK_WORKSPACES"):
        SlackInstall(settings.model_copy(update={"slack_workspaces": ()}), tokens, database)
