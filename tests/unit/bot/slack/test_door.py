"""Whatever is thrown at the door ends with 4xx and leaves no trace; what Slack signed comes in."""

import json
import random
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from bot.slack.door import MAX_BODY_BYTES, SlackDoor
from tests.unit.bot.slack.slack_kit import ALICE, CHANNEL, SECRET, TEAM, SlackKit, click, direct, event, mention, signed

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def slack(kit: SlackKit) -> TestClient:
    door = SlackDoor(kit.app.bolt.dispatch, SECRET)
    return TestClient(Starlette(routes=[Route("/slack/events", door.enter, methods=["POST"])]))


def post(slack: TestClient, body: str | bytes, **headers: str) -> int:
    text = body if isinstance(body, str) else body.decode("latin-1")
    return slack.post("/slack/events", content=body, headers=signed(text) | headers).status_code


def test_a_signed_question_comes_in_and_its_replay_changes_nothing(slack, kit):
    body = json.dumps(mention())
    headers = signed(body)
    assert [slack.post("/slack/events", content=body, headers=headers).status_code for _ in range(3)] == [200] * 3
    assert len(kit.questions()) == 1


def test_slacks_own_challenge_is_answered_when_it_is_signed(slack):
    body = json.dumps({"type": "url_verification", "challenge": "abc"})
    assert slack.post("/slack/events", content=body, headers=signed(body)).text == '{"challenge": "abc"}'
    assert slack.post("/slack/events", content=body).status_code == 401


@pytest.mark.parametrize("seconds", [-301, 360])
def test_an_old_or_early_signature_is_refused(slack, seconds):
    body = json.dumps(mention())
    headers = signed(body, timestamp=int(time.time()) + seconds)
    assert slack.post("/slack/events", content=body, headers=headers).status_code == 401


@pytest.mark.parametrize("timestamp", ["", "abc", "1e9", "-1", "\xb3", "9" * 400])
def test_a_strange_timestamp_is_refused(slack, timestamp):
    headers = {**signed("{}"), "x-slack-request-timestamp": timestamp.encode("latin-1")}
    assert slack.post("/slack/events", content="{}", headers=headers).status_code == 401


def test_a_huge_body_is_refused_whatever_it_says_of_its_length(slack):
    body = "x" * (MAX_BODY_BYTES + 1)
    assert post(slack, body) == 413
    assert slack.post("/slack/events", content=iter([body.encode()]), headers=signed("{}")).status_code == 413


def malformed(chance: random.Random) -> tuple[str, str]:
    """A body that Slack would never sign, made from one that it would."""
    payload = chance.choice([mention(), direct(), click("answer_up", "a1"), click("answer_feedback", "up:a1")])
    junk = chance.choice([None, 0, -1.5, "", "x", [], [1], {}, {"a": None}, True, [[]] * 3, "\u0000", "<!channel>"])
    holder: dict = payload
    while True:
        name = chance.choice(list(holder))
        inner = holder[name][0] if isinstance(holder[name], list) and holder[name] else holder[name]
        if isinstance(inner, dict) and inner and chance.random() < 0.6:
            holder = inner
            continue
        if chance.random() < 0.3:
            del holder[name]
        else:
            holder[name] = junk
        break
    body = json.dumps(payload)
    if chance.random() < 0.1:
        body = body[: chance.randrange(len(body))]
    if chance.random() < 0.5:
        return urlencode({"payload": body}), FORM
    return body, "application/json"


def test_ten_thousand_malformed_and_forged_requests_are_no_errors_of_ours(slack, caplog):
    chance = random.Random(7)
    for number in range(10_000):
        body, content_type = malformed(chance)
        secret = SECRET if number % 2 else "a forged one"
        headers = signed(body, secret) | {"content-type": content_type}
        status = slack.post("/slack/events", content=body, headers=headers).status_code
        assert status == 401 if number % 2 == 0 else status < 500, body
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["application/json", FORM, "text/plain", ""]))
def test_junk_is_refused_before_bolt_sees_it(body, content_type):
    def never(_request):
        raise AssertionError("junk came in")

    slack = TestClient(Starlette(routes=[Route("/slack/events", SlackDoor(never, SECRET).enter, methods=["POST"])]))
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    status = slack.post(
        "/slack/events", content=body, headers=signed(text) | {"content-type": content_type}
    ).status_code
    assert 400 <= status < 500


def test_deep_nesting_is_refused(slack):
    assert post(slack, '{"type":"event_callback","event":' + "[" * 5000 + "]" * 5000 + "}") == 400
    assert post(slack, '{"type":"event_callback","event":' + '{"a":' * 100 + "1" + "}" * 100 + "}") == 400


@pytest.mark.parametrize("text", ["what is a payload?", "payload=x", '{"type": "url_verification"}'])
def test_a_command_is_a_command_whatever_its_words(slack, kit, text):
    body = urlencode({"command": "/ask", "team_id": TEAM, "channel_id": CHANNEL, "user_id": ALICE, "text": text,
                      "channel_name": "payload-team", "trigger_id": "t1"})  # fmt: skip
    assert post(slack, body, **{"content-type": FORM}) == 200
    assert [question.text for question in kit.questions()] == [text]


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "view_submission", "view": {"callback_id": "feedback_details", "state": []}},
        {"type": "view_submission", "view": {"callback_id": "feedback_details", "state": {"values": {}}}},
        event(type="tokens_revoked", tokens=["bot"]),
        event(ts="1700.1\ud800"),
        event(channel="C\0"),
    ],
)
def test_what_slack_never_sends_is_refused_at_the_door(slack, payload):
    assert post(slack, json.dumps(payload)) == 400
