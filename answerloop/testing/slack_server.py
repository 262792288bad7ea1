"""A small Slack on loopback that keeps what it was told, and fails when it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from answerloop.testing.slack_workspace import SlackError, SlackWorkspace


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that goes wrong. `error`: with Slack's word for why. `lost`: it is done, and the connection breaks
    instead of saying so. `garbled`: it is done, and what says so is no HTTP. `seconds`: it takes so long, and is
    done."""

    status: int = 200
    error: str = ""
    retry_after: int | None = None
    lost: bool = False
    garbled: bool = False
    seconds: float = 0.0


def too_many(retry_after: int) -> Fault:
    return Fault(status=429, error="ratelimited", retry_after=retry_after)


LOST = Fault(lost=True)
GARBLED = Fault(garbled=True)
BROKEN = Fault(status=503)


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    said: dict[str, Any]
    token: str


class SlackServer:
    """Use as a context manager. `url` is the base of the API; answers to commands go to addresses below it."""

    def __init__(self) -> None:
        self.workspace = SlackWorkspace()
        self.calls: list[Call] = []
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/"

    def fails(self, method: str, *faults: Fault) -> None:
        """The next calls of this method go wrong, one after the other."""
        self._faults[method].extend(faults)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [call.said for call in self.calls if call.method == method]

    def response_url(self, name: str) -> str:
        return self.url + self.workspace.response_url(name)

    def answer(self, method: str, said: dict[str, Any], token: str) -> tuple[Fault, dict[str, Any]]:
        with self._lock:
            self.calls.append(Call(method, said, token))
            fault = self._faults[method].popleft() if self._faults[method] else Fault()
            if fault.error or fault.status != 200:
                return fault, {"ok": False, "error": fault.error or "unknown"}
            try:
                if method.startswith("response/"):
                    self.workspace.respond(method.removeprefix("response/"), said)
                    return fault, {"ok": True}
                return fault, {"ok": True, **self.workspace.call(method, said)}
            except SlackError as error:
                status = 404 if method.startswith("response/") else 200
                return Fault(status=status, seconds=fault.seconds), {"ok": False, "error": error.code}

    def __enter__(self) -> SlackServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(slack: SlackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            method = self.path.partition("?")[0].removeprefix("/api/")
            fault, reply = slack.answer(method, self._said(body), token)
            time.sleep(fault.seconds)
            if fault.lost or fault.garbled:
                self.wfile.write(b"garbled\r\n\r\n" * fault.garbled)
                self.close_connection = True
                return
            content = json.dumps(reply).encode() if fault.status < 500 else b"<html>Service unavailable</html>"
            self.send_response(fault.status)
            self.send_header("Content-Type", "application/json" if fault.status < 500 else "text/html")
            self.send_header("Content-Length", str(len(content)))
            if fault.retry_after is not None:
                self.send_header("Retry-After", str(fault.retry_after))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815 - the name that http.server asks for

        def _said(self, body: bytes) -> dict[str, Any]:
            if "json" in (self.headers.get("Content-Type") or ""):
                return dict(json.loads(body))
            return {key: _value(key, value) for key, value in parse_qsl(body.decode())}

        def log_message(self, format: str, *args: object) -> None:
            """The calls are kept anyway."""

    return Handler


def _value(key: str, value: str) -> Any:
    return json.loads(value) if key in ("blocks", "metadata", "view", "chunks") else value
