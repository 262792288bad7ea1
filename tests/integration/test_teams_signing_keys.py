"""The door and a key server on a real port, with all that can go wrong between them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from answerloop.testing.fakes import FakeClock
from bot.teams.signing_keys import MAX_REPLY_BYTES, PAUSE_SECONDS, KeysUnavailable, SigningKeys, download
from bot.teams.tokens import TokenVerifier
from tests.unit.bot.teams.door_kit import APP, DoorKit, activity, bearer, jwk


@dataclass
class KeyServer:
    """`status` and `headers` are those of its keys, which it sends in pieces with a pause between them."""

    url: str = ""
    keys: list[Any] = field(default_factory=lambda: [jwk("first")])
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    padding: int = 0
    pause: float = 0.0
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> bytes:
        self.asked.append(path)
        if path == "/openid":
            return json.dumps({"issuer": "x", "jwks_uri": f"{self.url}/keys"}).encode()
        return json.dumps({"keys": self.keys, "padding": "x" * self.padding}).encode()


@pytest.fixture
def server() -> Iterator[KeyServer]:
    stub = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = stub.answer(self.path)
            are_keys = self.path == "/keys"
            self.send_response(stub.status if are_keys else 200)
            for name, value in (stub.headers if are_keys else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            step = 40 if stub.pause else len(content)
            for start in range(0, len(content), step):
                try:
                    self.wfile.write(content[start : start + step])
                except OSError:
                    return  # whoever asked has seen enough
                time.sleep(stub.pause)

        def log_message(self, *_: object) -> None:
            """A test needs no log of its requests."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    yield stub
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def door(server, clock) -> DoorKit:
    keys = SigningKeys(f"{server.url}/openid", clock=clock)
    return DoorKit(verifier=TokenVerifier(keys, APP))


def test_a_rotated_key_is_known_a_minute_later(door, server, clock):
    assert door.post(activity()) == 200
    server.keys = [jwk("second")]
    clock.now = PAUSE_SECONDS
    assert door.post(activity(), [bearer(signed_by="second")]) == 200
    assert door.post(activity()) == 401, "the key was withdrawn"
    assert server.asked == ["/openid", "/keys"] * 2
    assert len(door.heard) == 2


def test_an_emulators_issuer_or_another_way_to_sign_asks_nobody(door, server):
    for forged in (bearer(iss="https://sts.windows.net/x/"), bearer(header={"alg": "HS256"})):
        assert door.post(activity(), [forged]) == 401
    assert server.asked == []


@pytest.mark.parametrize("failure", [{"status": 500}, {"status": 404}, {"padding": MAX_REPLY_BYTES}, {"keys": []}])
def test_an_answer_without_keys_lets_nobody_in_and_throws_nobody_out(door, server, clock, failure):
    for name, value in failure.items():
        setattr(server, name, value)
    assert door.post(activity()) == 503
    server.status, server.padding, server.keys = 200, 0, [jwk("first")]
    assert door.post(activity()) == 503, "asked again too soon"
    clock.now = PAUSE_SECONDS
    assert door.post(activity()) == 200
    for name, value in failure.items():
        setattr(server, name, value)
    clock.now = 200_000
    assert door.post(activity()) == 200


def test_nobody_is_sent_elsewhere_for_keys(door, server):
    server.status, server.headers = 302, {"Location": f"{server.url}/elsewhere"}
    assert door.post(activity()) == 503
    assert server.asked == ["/openid", "/keys"]


def test_a_port_that_nobody_listens_on(clock):
    keys = SigningKeys("http://127.0.0.1:9/openid", clock=clock)
    assert DoorKit(verifier=TokenVerifier(keys, APP)).post(activity()) == 503


def test_a_server_that_never_ends_is_left_alone(server, clock):
    server.pause = 0.05
    server.padding = 4000  # five seconds and more
    keys = SigningKeys(f"{server.url}/openid", clock=clock, patience_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(KeysUnavailable):
        asyncio.run(keys.get("first"))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[", "https://", "gopher://127.0.0.1/", "\x00"])
def test_whatever_goes_wrong_on_the_way_is_told_in_our_words(url):
    with pytest.raises(KeysUnavailable):
        download(url)
