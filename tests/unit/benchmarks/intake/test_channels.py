"""What the benchmark sends is what the platform would send, and the bot tells its questions apart."""

import json

import pytest
from slack_sdk.signature import SignatureVerifier

from answerloop.testing.slack_workspace import BOT_USER
from benchmarks.intake import CHANNELS
from benchmarks.intake.channels import SlackAsking
from bot.slack.door import check_form
from bot.slack.payload import SlackSaid, parse_said

MANY = range(400)


def said(body: bytes) -> SlackSaid:
    return parse_said(json.loads(body), BOT_USER)


def test_every_request_is_signed_and_has_slacks_form():
    asking = SlackAsking()
    for delivery in (delivery for number in MANY for delivery in asking.deliveries(number)):
        headers = dict(asking.headers(delivery.body, delivery.retry))
        check_form(delivery.body, headers["content-type"])
        assert SignatureVerifier(asking.secret).is_valid_request(delivery.body, headers)


def test_a_second_delivery_says_so():
    headers = SlackAsking().headers(b"{}", retry=2)
    assert headers["x-slack-retry-num"] == "2"


@pytest.mark.parametrize("asking", [asking for asking, _ in CHANNELS.values()])
def test_one_question_in_twenty_comes_twice(asking):
    deliveries = [asking.deliveries(number) for number in MANY]
    assert sum(len(each) == 2 for each in deliveries) == len(MANY) / 20
    assert max(map(len, deliveries)) == 2


@pytest.mark.parametrize("asking", [asking for asking, _ in CHANNELS.values()])
def test_every_question_has_an_asker_of_its_own(asking):
    assert len({asking.asker(number) for number in MANY}) == len(MANY)


def test_the_bot_knows_a_second_delivery_by_its_keys_and_no_two_questions_share_any():
    asking = SlackAsking()
    seen: set[str] = set()
    for number in MANY:
        first, *twins = (said(delivery.body) for delivery in asking.deliveries(number))
        assert first.person == asking.asker(number)
        assert first.direct or first.mentioned
        assert not seen & set(first.keys)
        seen |= set(first.keys)
        for twin in twins:
            assert set(twin.keys) & set(first.keys)
            seen |= set(twin.keys)
