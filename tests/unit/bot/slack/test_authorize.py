"""Who we are in a workspace is known without asking Slack: these tests could open no socket."""

import threading
import time
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from answerloop.backends.tokens_slack import App, SlackTokens
from answerloop.db.tables import now
from answerloop.errors import DeliveryUnavailable
from answerloop.secrets import Sealer
from bot.slack.authorize import authorizer
from bot.slack.background import Background
from tests.unit.bot.slack.slack_kit import BOT, TEAM, SlackKit, direct, event, mention

NOBODY_THERE = "http://127.0.0.1:1/api/"


@pytest.fixture
def installed(database) -> SlackTokens:
    app = App("client", "hush", Sealer([SecretStr(Fernet.generate_key().decode())]))
    return SlackTokens(database, app, api_url=NOBODY_THERE)


def install(tokens: SlackTokens, hours: float) -> None:
    expires_at = now() + timedelta(hours=hours)
    tokens.install(
        TEAM, BOT, "xoxb-1", refresh_token="xoxe-1", expires_at=expires_at, installed_by="U01", details={}
    )  # fmt: skip


@pytest.mark.parametrize("hours", [12, 1, -1])
def test_a_request_does_not_wait_for_a_token_to_be_renewed(installed, hours):
    install(installed, hours)
    authorized = authorizer(installed.known)(enterprise_id=None, team_id=TEAM)
    assert (authorized.bot_token, authorized.bot_user_id) == ("xoxb-1", BOT)


def test_whoever_renews_a_token_holds_no_request_up(installed, monkeypatch):
    install(installed, 1)
    renewing, done = threading.Event(), threading.Event()

    def slow(installation, app):
        renewing.set()
        done.wait(10)
        return installation

    monkeypatch.setattr(installed, "_renewed", slow)
    renewer = threading.Thread(target=installed, args=(TEAM,))
    renewer.start()
    renewing.wait(10)
    assert authorizer(installed.known)(enterprise_id=None, team_id=TEAM).bot_token == "xoxb-1"
    assert renewer.is_alive()
    done.set()
    renewer.join()


def test_a_workspace_that_has_not_installed_us_gets_nothing(installed):
    assert authorizer(installed.known)(enterprise_id=None, team_id="T09") is None


def test_until_we_have_learnt_who_we_are_the_token_does(database):
    tokens = SlackTokens(database, None, api_url=NOBODY_THERE, token="xoxb-own")
    authorized = authorizer(tokens.known)(enterprise_id=None, team_id=TEAM)
    assert (authorized.bot_token, authorized.bot_user_id) == ("xoxb-own", None)


def test_an_event_says_who_we_are(database):
    kit = SlackKit(database, bot_user=None)
    kit.send(mention(f"<@{BOT}> How many days?"))
    kit.send(direct(f"<@{BOT}> And how many hours?", event_id="Ev2", ts="1700.0002"))
    kit.app.later.close()
    assert [question.text for question in kit.questions()] == ["How many days?", "And how many hours?"]


def test_an_event_that_says_nothing_leaves_it_at_what_we_know(database):
    kit = SlackKit(database)
    body = event(type="app_mention", text=f"<@{BOT}> How many days?")
    kit.send(body | {"authorizations": []})
    kit.app.later.close()
    assert [question.text for question in kit.questions()] == ["How many days?"]


# --- what is done in the background


def test_it_is_tried_until_it_succeeds():
    failures = [DeliveryUnavailable("out of reach"), OSError("no route"), ValueError("a bug")]

    def attempt() -> None:
        if failures:
            raise failures.pop()

    background = Background("test", attempt, waits=(0.01,))
    assert background.join(5)
    assert failures == []


def test_what_is_done_again_and_again_ends_when_it_is_closed():
    done: list[int] = []
    background = Background("test", lambda: done.append(1), every=0.01)
    deadline = time.monotonic() + 5
    while len(done) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    background.close()
    assert background.join(5)
    assert len(done) >= 3


def test_what_never_succeeds_ends_when_it_is_closed():
    def attempt() -> None:
        raise DeliveryUnavailable("out of reach")

    background = Background("test", attempt, waits=(60.0,))
    time.sleep(0.05)
    background.close()
    assert background.join(5)
