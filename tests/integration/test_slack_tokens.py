import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from answerloop.backends.slack_api import call, client
from answerloop.backends.tokens_slack import App, SlackTokens
from answerloop.db.repositories import installations
from answerloop.db.tables import now
from answerloop.errors import ConfigurationError, DeliveryImpossible, DeliveryUnavailable
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.secrets import Sealer
from answerloop.settings import load_settings
from answerloop.testing.fakes import FakeClock
from tests.slack_stub import Arguments, SlackStub, slack_stub

SEALER = Sealer([SecretStr(Fernet.generate_key().decode())])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def slack() -> Iterator[SlackStub]:
    def renew(arguments: Arguments) -> dict[str, object]:
        if arguments.get("refresh_token") != "xoxe-1" or not arguments["token"].startswith("Basic "):
            return {"ok": False, "error": "invalid_refresh_token"}
        return {"access_token": "xoxb-2", "refresh_token": "xoxe-2", "expires_in": 43200, "token_type": "bot"}

    with slack_stub() as stub:
        stub.replies = {"oauth.v2.access": renew, "auth.test": {"user_id": "UBOT"}, "chat.postMessage": {"ts": "1"}}
        yield stub


@pytest.fixture
def tokens(database, slack, clock) -> SlackTokens:
    return SlackTokens(database, App("client", "hush", SEALER), api_url=slack.url, clock=clock)


def install(tokens: SlackTokens, hours: float | None = None, token: str = "xoxb-1") -> None:
    expires_at = now() + timedelta(hours=hours) if hours is not None else None
    tokens.install(
        "T01", "UBOT", token, refresh_token="xoxe-1", expires_at=expires_at, installed_by="U01", details={"name": "A"}
    )


def test_one_token_for_whatever_workspace_whose_user_is_learnt_when_slack_tells(database, slack):
    tokens = SlackTokens(database, None, api_url=slack.url, token="xoxb-own")
    assert tokens("T01") == tokens("T02") == "xoxb-own"
    assert tokens.known("T01") == ("xoxb-own", None)
    assert slack.calls == []
    tokens.learn_own_user()
    assert tokens.known("T01") == tokens.known("T02") == ("xoxb-own", "UBOT")


def test_an_installed_workspace_has_its_own_token_which_nobody_can_read_in_the_database(tokens, database):
    install(tokens)
    assert (tokens("T01"), tokens.known("T01")) == ("xoxb-1", ("xoxb-1", "UBOT"))
    with database.reading() as session:
        assert b"xoxb" not in installations.get(session, "slack", "T01").secret
        assert installations.get(session, "teams", "T01") is None


def test_a_workspace_that_is_not_installed_has_none(tokens, database, slack):
    with pytest.raises(DeliveryImpossible, match="T01 has not installed us"):
        tokens("T01")
    with pytest.raises(DeliveryImpossible, match="no token for the workspace T01"):
        SlackTokens(database, None, api_url=slack.url)("T01")


def test_what_is_forgotten_is_gone_at_once_here_and_soon_elsewhere(tokens, database, slack, clock):
    install(tokens)
    elsewhere = SlackTokens(database, App("client", "hush", SEALER), api_url=slack.url, clock=clock)
    assert elsewhere("T01") == "xoxb-1"
    tokens.forget("T01", now())
    with pytest.raises(DeliveryImpossible):
        tokens("T01")
    clock.now = 30
    with pytest.raises(DeliveryImpossible):
        elsewhere("T01")


def test_a_removal_that_is_told_late_leaves_what_was_installed_since(tokens):
    install(tokens)
    removed = now()
    install(tokens, token="xoxb-9")
    tokens.forget("T01", removed)
    assert tokens("T01") == "xoxb-9"


def test_a_token_that_was_renewed_after_a_removal_was_not_installed_since(tokens):
    install(tokens, hours=1)
    removed = now()
    assert tokens("T01") == "xoxb-2"
    tokens.forget("T01", removed)
    with pytest.raises(DeliveryImpossible):
        tokens("T01")


def test_installing_again_replaces_the_token(tokens):
    install(tokens)
    assert tokens("T01") == "xoxb-1"
    install(tokens, token="xoxb-9")
    assert tokens("T01") == "xoxb-9"


def test_a_token_is_renewed_two_hours_before_its_end_and_not_before(tokens, slack, clock):
    install(tokens, hours=2.1)
    assert tokens("T01") == "xoxb-1"
    install(tokens, hours=1.9)
    assert tokens("T01") == "xoxb-2"
    assert slack.times("oauth.v2.access") == 1
    clock.now = 30
    assert tokens("T01") == "xoxb-2"
    assert slack.times("oauth.v2.access") == 1


@pytest.mark.parametrize("hours", [1, -1])
def test_what_we_know_ourselves_needs_no_slack(tokens, slack, hours):
    install(tokens, hours=hours)
    assert tokens.known("T01") == ("xoxb-1", "UBOT")
    assert slack.calls == []
    tokens("T01")
    assert tokens.known("T01") == ("xoxb-2", "UBOT")


def test_a_token_is_renewed_also_when_nobody_asks_for_it(tokens, slack):
    install(tokens, hours=1)
    tokens.renew_due()
    assert tokens.known("T01") == ("xoxb-2", "UBOT")
    tokens.renew_due()
    assert slack.times("oauth.v2.access") == 1


def test_a_token_that_could_not_be_renewed_is_renewed_later(tokens, slack):
    install(tokens, hours=-1)
    slack.failure = (503, {})
    tokens.renew_due()
    slack.failure = None
    tokens.renew_due()
    assert tokens.known("T01") == ("xoxb-2", "UBOT")


def test_a_renewal_leaves_no_secret_in_the_log(tokens, slack, capsys):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("test", "json", "DEBUG", ExactRecognisers((), ()))
    install(tokens, hours=1)
    tokens("T01")
    call(client("xoxb-2", slack.url).chat_postMessage, channel="C01", text="Leave is 90 days")
    root.handlers[:], root.level = handlers, level
    assert slack.times("oauth.v2.access") == slack.times("chat.postMessage") == 1
    written = capsys.readouterr().err
    assert "token renewed" in written
    assert [said for said in ("xoxb", "xoxe", "hush", "90 days") if said in written] == []


def test_many_processes_renew_a_token_once(database, slack, tokens):
    install(tokens, hours=1)
    processes = [SlackTokens(database, App("client", "hush", SEALER), api_url=slack.url) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda process: process("T01"), processes))
    assert seen <= {"xoxb-1", "xoxb-2"}
    assert slack.times("oauth.v2.access") == 1
    assert SlackTokens(database, App("client", "hush", SEALER), api_url=slack.url)("T01") == "xoxb-2"


def test_the_old_token_serves_while_slack_is_down_and_no_longer_than_it_is_valid(tokens, slack, clock):
    slack.failure = (503, {})
    install(tokens, hours=1)
    assert tokens("T01") == "xoxb-1"
    install(tokens, hours=-1)
    with pytest.raises(DeliveryUnavailable):
        tokens("T01")
    slack.failure = None
    assert tokens("T01") == "xoxb-2"  # the lease was given back


def test_an_expired_token_waits_for_the_process_that_renews_it(tokens, database, slack):
    install(tokens, hours=-1)
    with database.writing() as session:
        assert installations.lease(session, "T01", timedelta(minutes=1))
    with pytest.raises(DeliveryUnavailable, match="Another process") as raised:
        tokens("T01")
    assert raised.value.retry_after_seconds == 5
    assert slack.times("oauth.v2.access") == 0


def test_a_renewal_that_comes_late_does_not_bring_a_removed_workspace_back(tokens, database):
    install(tokens, hours=1)
    with database.reading() as session:
        before = installations.get(session, "slack", "T01")
    install(tokens, token="xoxb-9")
    with database.writing() as session:
        installations.renew(session, before, b"late", now())
    assert tokens("T01") == "xoxb-9"


def test_tokens_that_no_key_opens_are_a_clear_error(tokens, database, slack):
    install(tokens)
    other = Sealer([SecretStr(Fernet.generate_key().decode())])
    with pytest.raises(ConfigurationError, match="lacks the key"):
        SlackTokens(database, App("client", "hush", other), api_url=slack.url)("T01")


def test_many_workspaces_need_a_key_to_encrypt_with(database):
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_SECRET_KEYS is empty"):
        SlackTokens.of(load_settings(slack_client_id="client"), database)
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_SLACK_CLIENT_ID"):
        install(SlackTokens.of(load_settings(slack_bot_token="xoxb-own"), database))
