"""The connection that we open to Slack ourselves: nothing else waits for it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from websockets.sync.server import Server, ServerConnection, serve

from answerloop.backends.directory_file import FileDirectory
from answerloop.db.session import Database
from answerloop.settings import load_settings
from answerloop.testing.fakes import FakeTaskQueue
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.rooms import Rooms
from bot.slack.socket import Connection
from bot.wiring import SlackChannel
from tests.slack_stub import SlackStub, slack_stub

NOBODY_THERE = "http://127.0.0.1:9/api/"


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.fixture
def bolt() -> App:
    return App(
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T01", bot_token="xoxb-1"),
        request_verification_enabled=False,
    )


@pytest.fixture
def slack() -> Iterator[SlackStub]:
    with slack_stub() as stub:
        yield stub


@pytest.fixture
def said() -> Queue[Any]:
    """What we have answered over the socket."""
    return Queue()


@pytest.fixture
def socket(said: Queue[Any]) -> Iterator[Server]:
    def talk(connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        event = {"type": "event_callback", "team_id": "T01", "event": {"type": "app_mention", "user": "U01"}}
        connection.send(json.dumps({"type": "events_api", "envelope_id": "e1", "payload": event}))
        for message in connection:
            said.put(json.loads(message))

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_events_come_over_the_connection(bolt: App, slack: SlackStub, socket: Server, said: Queue[Any]) -> None:
    bolt.event("app_mention")(lambda: None)
    slack.replies["apps.connections.open"] = {"url": f"ws://127.0.0.1:{socket.socket.getsockname()[1]}"}
    connection = Connection(bolt, "xapp-1", slack.url)
    assert said.get(timeout=10)["envelope_id"] == "e1"
    assert connection.state() == "ok"
    connection.close()
    assert connection.state() != "ok"


def test_a_slack_that_is_out_of_reach_is_tried_again(bolt: App, slack: SlackStub, socket: Server) -> None:
    slack.failure = (503, {})
    connection = Connection(bolt, "xapp-1", slack.url)
    until(lambda: slack.times("apps.connections.open") == 1)
    assert "not" in connection.state()
    slack.replies["apps.connections.open"] = {"url": f"ws://127.0.0.1:{socket.socket.getsockname()[1]}"}
    slack.failure = None
    until(lambda: connection.state() == "ok")
    connection.close()


def test_an_address_that_does_not_answer_is_not_tried_twice(bolt: App, slack: SlackStub, socket: Server) -> None:
    addresses = [f"ws://127.0.0.1:{socket.socket.getsockname()[1]}", "ws://127.0.0.1:9"]
    slack.replies["apps.connections.open"] = lambda _: {"url": addresses.pop()}
    connection = Connection(bolt, "xapp-1", slack.url)
    until(lambda: connection.state() == "ok")
    connection.close()


def test_whoever_stops_before_there_is_a_connection_waits_for_nothing(bolt: App, slack: SlackStub) -> None:
    before = time.monotonic()
    Connection(bolt, "xapp-1", NOBODY_THERE).close()
    assert time.monotonic() - before < 5
    until(lambda: "slack-connection" not in threads())


def test_a_connection_that_comes_after_the_stop_is_closed(
    bolt: App, slack: SlackStub, socket: Server, said: Queue[Any]
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def open_slowly(_: Any) -> dict[str, str]:
        asked.set()
        go_on.wait(10)
        return {"url": f"ws://127.0.0.1:{socket.socket.getsockname()[1]}"}

    slack.replies["apps.connections.open"] = open_slowly
    connection = Connection(bolt, "xapp-1", slack.url)
    asked.wait(10)
    connection.close()
    go_on.set()
    until(lambda: "slack-connection" not in threads())
    assert connection.state() != "ok"


def test_the_bot_starts_without_slack_and_says_so(database: Database, tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path, slack="socket", slack_bot_token="xoxb-1", slack_app_token="xapp-1", slack_api_url=NOBODY_THERE
    )
    queue = FakeTaskQueue()
    intake, people = Intake(database, queue, 200, 20), FileDirectory(None, "default")
    channel = SlackChannel(settings, database, queue, intake, FeedbackBox(database), people, Rooms(database))
    assert channel.health() == {}
    channel.start()
    assert list(channel.health()) == ["slack"]
    assert channel.health()["slack"] != "ok"
    channel.stop()
    until(lambda: not threads() & {"slack-connection", "slack-own-user"})
