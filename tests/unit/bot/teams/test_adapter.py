import asyncio
import copy
import threading
import time
from types import MappingProxyType
from typing import Any

import pytest

from bot.doorstep import Refused
from bot.teams.adapter import THREADS, SdkAdapter
from bot.teams.reply import Listener, Reply
from tests.unit.bot.teams.door_kit import APP, activity, invoke


def process(raw: Any, listener: Listener, claims: Any = None) -> Reply | None:
    return asyncio.run(SdkAdapter(APP).process(claims or {}, raw, listener))


def heard(raw: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    assert process(raw, found.append) in (None, Reply())
    return found


def test_the_listener_is_given_what_teams_wrote_in_another_thread():
    raw = activity(channelData={"tenant": {"id": "t"}, "unknown": {"kept": [1, None]}})
    threads = []

    def listen(given: Any) -> None:
        threads.append(threading.current_thread())
        assert given == copy.deepcopy(raw)

    assert process(raw, listen, {"aud": APP, "iss": "somebody"}) is None
    assert threads != [threading.main_thread()]


def test_an_invoke_is_answered_by_the_listener():
    body = MappingProxyType(
        {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Thanks"}
    )
    assert process(invoke(), lambda _: Reply(202, body)) == Reply(202, dict(body))
    assert process(invoke(deliveryMode="expectReplies"), lambda _: Reply(202, body)) == Reply(202, dict(body))
    assert process(invoke(), lambda _: Reply()) == Reply(200, {})


def test_an_invoke_that_nobody_answers_is_no_error():
    assert process(invoke(), lambda _: None) == Reply(200, {})


@pytest.mark.parametrize("mode", [None, "normal", "notification", "expectReplies", "ephemeral"])
def test_a_message_has_no_reply_here_whatever_the_listener_gives(mode):
    assert process(activity(deliveryMode=mode), lambda _: Reply(201, {"a": 1})) is None


@pytest.mark.parametrize(
    "kind",
    ["messageUpdate", "messageDelete", "conversationUpdate", "installationUpdate", "typing", "trace", "delay", "x"],
)
def test_every_type_reaches_the_listener(kind):
    raw = activity(type=kind)
    assert heard(raw) == [raw]
    assert heard({"type": kind}) == [{"type": kind}]


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "yesterday"},
        {"timestamp": 5},
        {"localTimestamp": {}},
        {"expiration": "0001-01-01T00:00:00+23:00"},
        {"conversation": "a:1"},
        {"entities": {}},
        {"attachments": [1]},
        {"membersAdded": "Ada"},
        {"relatesTo": 3},
    ],
)
def test_what_the_sdk_cannot_read_is_refused_and_not_heard(changes):
    def never(_: Any) -> None:
        raise AssertionError("came in")

    with pytest.raises(Refused) as refused:
        process(activity(**changes), never)
    assert refused.value.status == 400


def test_what_the_listener_raises_comes_back_as_it_was():
    class Mishap(Exception):
        """One that neither the SDK nor we know."""

    def fail(_: Any) -> None:
        raise Mishap

    with pytest.raises(Mishap):
        process(invoke(), fail)


def test_at_most_sixteen_listeners_work_at_once():
    lock, now, most = threading.Lock(), 0, 0

    def listen(_: Any) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    async def crowd() -> None:
        adapter = SdkAdapter(APP)
        await asyncio.gather(*(adapter.process({}, activity(), listen) for _ in range(80)))

    asyncio.run(crowd())
    assert most == THREADS
