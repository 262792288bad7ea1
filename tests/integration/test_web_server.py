"""The web chat behind a real socket: what happens to open streams when either side goes away."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from answerloop.db.session import Database
from answerloop.settings import Settings
from answerloop.testing.fakes import FakeDirectory, FakeTaskQueue
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.web.app import create_app
from bot.web.server import ChatServer


@pytest.fixture
def server(database: Database, tmp_path: Path) -> Iterator[ChatServer]:
    settings = Settings(_env_file=None, home=tmp_path)
    intake = Intake(database, FakeTaskQueue(), 200, 1000)
    feedback, directory = FeedbackBox(database), FakeDirectory({})
    app = create_app(settings, database, intake, feedback, directory, dict, lambda: (b"", "text/plain"))
    server = ChatServer(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server
    server.handle_exit(signal.SIGTERM, None)
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def client(server: ChatServer) -> Iterator[httpx.Client]:
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def events_path(client: httpx.Client) -> str:
    question = client.post("/api/chat/questions", json={"text": "How many days?"}).json()["question_id"]
    return f"/api/chat/questions/{question}/events"


def test_a_stop_signal_ends_open_streams_at_once(server: ChatServer, client: httpx.Client) -> None:
    with client.stream("GET", events_path(client)) as stream:
        lines = stream.iter_lines()
        until(lambda: next(lines).startswith("id: 0"))
        asked = time.monotonic()
        server.handle_exit(signal.SIGTERM, None)
        assert list(lines)
        assert time.monotonic() - asked < 2


def test_a_browser_that_leaves_is_not_waited_for(server: ChatServer, client: httpx.Client) -> None:
    with client.stream("GET", events_path(client)) as stream:
        lines = stream.iter_lines()
        until(lambda: next(lines).startswith("id: 0"))
        assert server.server_state.tasks
    until(lambda: not server.server_state.tasks)
