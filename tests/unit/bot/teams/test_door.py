"""Whatever is thrown at the door ends with 4xx and leaves no trace; what Teams signed comes in."""

import asyncio
import json
import logging
import random
import time
from typing import Any

import httpx
import pytest

from answerloop.db.session import DuplicateKey
from answerloop.errors import DatabaseUnavailable
from bot.payload import MalformedPayload
from bot.teams.door import LONGEST_ID, MAX_BODY_BYTES
from bot.teams.reply import Reply
from tests.unit.bot.teams.door_kit import KEYS, OPENID, PATH, SERVICE, TENANT, DoorKit, activity, bearer, invoke

ELSEWHERE = "https://smba.trafficmanager.net.example.com/"
OTHER_TENANT = {"id": "a:1", "tenantId": "another"}
SIMULATOR = "http://127.0.0.1:56150/_connector"


@pytest.fixture
def kit() -> DoorKit:
    return DoorKit()


@pytest.fixture
def developer() -> DoorKit:
    """A door without credentials, for a simulator."""
    return DoorKit(verifier=None, tenants=frozenset())


def test_a_signed_activity_comes_in_as_often_as_it_is_sent(kit):
    assert [kit.post(activity()) for _ in range(3)] == [200] * 3
    assert kit.heard == [activity()] * 3
    assert kit.microsoft.fetches == [OPENID, KEYS]


def test_a_click_is_answered(kit):
    kit.reply = Reply(200, {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Thanks"})
    headers = {"authorization": bearer()}
    assert kit.client.post(PATH, json=invoke(), headers=headers).json() == kit.reply.body
    kit.reply = None
    answer = kit.client.post(PATH, json=invoke(), headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})


def test_an_activity_of_a_type_that_nobody_knows_is_no_error(kit):
    assert kit.post(activity(type="somethingNew")) == 200
    assert kit.post({"type": "x", "serviceUrl": SERVICE, "channelId": "msteams", "conversation": OTHER_TENANT}) == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "DELETE"])
def test_only_posts_come_in(kit, method):
    assert kit.client.request(method, PATH).status_code == 405


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/json2"])
def test_another_content_type_is_refused(kit, kind):
    assert kit.post(activity(), kind=kind) == 415


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json "])
def test_json_is_json_however_it_is_written(kit, kind):
    assert kit.post(activity(), kind=kind) == 200


def test_a_huge_body_is_refused_whatever_it_says_of_its_length(kit):
    body = b"x" * (MAX_BODY_BYTES + 1)
    assert kit.post(body) == 413
    headers = {"content-type": "application/json", "authorization": bearer()}
    assert kit.client.post(PATH, content=iter([body]), headers=headers).status_code == 413
    assert kit.post(activity(text="x" * (MAX_BODY_BYTES - 2000))) == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"type": "message", "value": ' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}",
        *(
            activity(**changes)
            for changes in (
                {"type": None},
                {"type": ""},
                {"type": ["message"]},
                {"id": 5},
                {"id": "x" * (LONGEST_ID + 1)},
                {"id": "a\u0000b"},
                {"text": {"a": 1}},
                {"text": "\ud83d"},
                {"name": []},
                {"serviceUrl": [SERVICE]},
                {"channelId": {"msteams": 1}},
                {"from": "29:ada"},
                {"from": {"id": 29}},
                {"from": {"id": "29:ada", "aadObjectId": ["0000-ada"]}},
                {"recipient": []},
                {"conversation": "a:1"},
                {"conversation": {"id": "x" * (LONGEST_ID + 1), "tenantId": TENANT}},
                {"conversation": {"id": "a:1", "tenantId": [TENANT]}},
                {"channelData": "tenant"},
                {"channelData": {"tenant": TENANT}},
                {"channelData": {"tenant": {"id": {TENANT: 1}}}},
                {"timestamp": "yesterday"},
                {"entities": 1},
            )
        ),
    ],
)
def test_what_is_no_activity_is_refused(kit, body):
    assert kit.post(body) == 400
    assert kit.heard == []


def test_a_service_address_is_needed_and_must_be_trusted_before_anybody_is_asked(kit):
    for missing in (None, ""):
        assert kit.post(activity(serviceUrl=missing)) == 401
    for foreign in (ELSEWHERE, SERVICE.replace("https", "http"), SIMULATOR, "https://[", "text"):
        assert kit.post(activity(serviceUrl=foreign), [bearer(serviceurl=foreign)]) == 403
    assert (kit.heard, kit.microsoft.fetches) == ([], [])
    other = "https://europe.botframework.com/"
    assert kit.post(activity(serviceUrl=other), [bearer(serviceurl=other)]) == 200


@pytest.mark.parametrize(
    ("conversation", "channel"),
    [
        ({"id": "a:1", "tenantId": TENANT}, {"tenant": {"id": TENANT}}),
        ({"id": "a:1", "tenantId": TENANT.upper()}, {"tenant": {"id": TENANT}}),
        ({"id": "a:1", "tenantId": TENANT}, None),
        ({"id": "a:1", "tenantId": TENANT}, {"tenant": None}),
        ({"id": "a:1"}, {"tenant": {"id": TENANT}}),
    ],
)
def test_our_tenants_come_in(kit, conversation, channel):
    assert kit.post(activity(conversation=conversation, channelData=channel)) == 200


@pytest.mark.parametrize(
    ("conversation", "channel"),
    [
        (OTHER_TENANT, {"tenant": {"id": "another"}}),
        (OTHER_TENANT, None),
        (OTHER_TENANT, {"tenant": {"id": TENANT}}),
        ({"id": "a:1", "tenantId": TENANT}, {"tenant": {"id": "another"}}),
        ({"id": "a:1"}, {"tenant": {"id": ""}}),
        ({"id": "a:1"}, {}),
        (None, None),
    ],
)
def test_other_tenants_and_those_that_do_not_say_are_kept_out(kit, conversation, channel):
    assert kit.post(activity(conversation=conversation, channelData=channel)) == 403
    assert kit.heard == []


def test_without_a_list_of_tenants_nobody_comes_in():
    assert DoorKit(tenants=frozenset()).post(activity()) == 403


def test_while_the_keys_are_out_of_reach_teams_is_asked_to_come_again(kit):
    kit.microsoft.is_down = True
    assert kit.post(activity()) == 503
    kit.microsoft.is_down = False
    kit.now += 60
    assert kit.post(activity()) == 200
    kit.microsoft.is_down = True
    kit.now += 100_000
    assert kit.post(activity()) == 200
    assert kit.post(activity(), [bearer(signed_by="other")]) == 503


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (MalformedPayload("text is missing"), 400),
        (DatabaseUnavailable("locked"), 503),
        (DuplicateKey("taken"), 503),
        (RuntimeError("a bug"), 500),
    ],
)
def test_what_a_listener_cannot_do_is_told_to_teams(kit, caplog, failure, status):
    kit.failure = failure
    assert [kit.post(activity()), kit.post(invoke())] == [status] * 2
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == (2 if status == 500 else 0)
    assert all(record.exc_info for record in errors)


# --- on a developer's machine


def test_a_simulator_on_this_machine_needs_no_token(developer):
    assert developer.post(activity(serviceUrl=SIMULATOR), []) == 200
    assert developer.post(activity(serviceUrl=SIMULATOR, conversation=OTHER_TENANT, channelData=None), []) == 200
    assert developer.post(activity(serviceUrl=SIMULATOR, conversation={"id": "a:1"}, channelData=None), []) == 200
    assert len(developer.heard) == 3


def test_a_simulator_elsewhere_is_kept_out(developer):
    for foreign in (SERVICE, ELSEWHERE, "http://10.0.0.1/", "https://127.0.0.1/"):
        assert developer.post(activity(serviceUrl=foreign), []) == 403
    assert developer.post(activity(serviceUrl=None), []) == 401


def test_a_page_that_gives_its_own_name_to_our_address_is_no_simulator(developer):
    for host in ("example.com", "example.com:3978", "127.0.0.1.example.com", "a@127.0.0.1", "[", ""):
        answer = developer.client.post(PATH, json=activity(serviceUrl=SIMULATOR), headers={"host": host})
        assert answer.status_code in (401, 403), host
    for host in ("localhost:3978", "127.0.0.1", "[::1]:3978"):
        answer = developer.client.post(PATH, json=activity(serviceUrl=SIMULATOR), headers={"host": host})
        assert answer.status_code == 200, host


def test_tenants_count_for_a_simulator_too_when_they_are_named():
    developer = DoorKit(verifier=None)
    assert developer.post(activity(serviceUrl=SIMULATOR), []) == 200
    assert developer.post(activity(serviceUrl=SIMULATOR, conversation=OTHER_TENANT), []) == 403


# --- many


def malformed(chance: random.Random) -> bytes:
    """A body that Teams would hardly send, made from one that it would."""
    raw = chance.choice([activity(), invoke(), activity(type="messageUpdate"), activity(membersAdded=[{"id": "29:b"}])])
    junk = chance.choice(
        [None, 0, -1.5, "", "x", [], [1], {}, {"a": None}, True, [[]] * 3, "\u0000", "\ud800", "y" * 600]
    )
    holder: Any = raw
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
    body = json.dumps(raw).encode()
    match chance.randrange(40):
        case 0 | 1 | 2 | 3:
            return body[: chance.randrange(len(body))]
        case 4:
            return body + b" " * MAX_BODY_BYTES
        case 5:
            return chance.randbytes(chance.randrange(300))
        case 6:
            return body[:-1] + b', "more": ' + b"[" * 2000 + b"]" * 2000 + b"}"
    return body


def forgeries() -> list[str]:
    good = bearer()
    return [
        "",
        "Basic YTpi",
        "Bearer x.y.z",
        good[:-4] + "AAAA",
        good.lower(),
        bearer(aud="another"),
        bearer(exp=None),
        bearer(serviceurl=ELSEWHERE),
        bearer(iss="https://example.com"),
        bearer(header={"alg": "none"}),
        bearer(header={"alg": "HS256"}),
        bearer(signed_by="other"),
        bearer(signed_by="other", header={"kid": "first"}),
        bearer(more="x" * 20_000),
    ]


def test_ten_thousand_malformed_and_forged_requests_are_no_errors_of_ours(kit, caplog):
    chance, good, forged = random.Random(7), bearer(), forgeries()
    kinds = ["application/json"] * 19 + ["text/plain"]

    async def send_all() -> None:
        transport = httpx.ASGITransport(kit.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            for number in range(10_000):
                body, is_forged = malformed(chance), number % 2
                token = chance.choice(forged) if is_forged else good
                headers = {"content-type": chance.choice(kinds), "authorization": token}
                before = len(kit.heard)
                status = (await client.post(PATH, content=body, headers=headers)).status_code
                assert 400 <= status < 500 if is_forged else status < 500, body[:3000]
                assert len(kit.heard) == before + (status == 200), "heard, or refused, and never both"

    asyncio.run(send_all())
    assert len(kit.heard) > 500, "what was harmless came in"
    assert kit.microsoft.fetches == [OPENID, KEYS]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_loop_is_free_while_two_hundred_activities_wait_for_keys(kit):
    beats: list[float] = []

    async def beat() -> None:
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.01)

    async def scenario() -> list[int]:
        transport = httpx.ASGITransport(kit.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client, asyncio.timeout(30):
            beating = asyncio.create_task(beat())
            headers = {"authorization": bearer()}
            sent = [client.post(PATH, json=activity(id=f"{number}"), headers=headers) for number in range(200)]
            answers = await asyncio.gather(*sent)
            beating.cancel()
        return [answer.status_code for answer in answers]

    kit.microsoft.seconds = 1.0  # for each of its two answers
    assert asyncio.run(scenario()) == [200] * 200
    assert kit.microsoft.fetches == [OPENID, KEYS]
    began, ended = kit.microsoft.began, kit.microsoft.ended
    assert sum(began < at < ended for at in beats) > 20
