"""A Slack of a few prepared replies on a local port, for tests of what we ask it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

Arguments = dict[str, str]


@dataclass
class SlackStub:
    """`replies` has what each method answers, or how it finds out from its arguments."""

    url: str = ""
    replies: dict[str, Any | Callable[[Arguments], Any]] = field(default_factory=dict)
    failure: tuple[int, dict[str, str]] | None = None
    scopes: str = ""
    calls: list[tuple[str, Arguments]] = field(default_factory=list)

    def times(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    def answer(self, method: str, arguments: Arguments) -> dict[str, Any]:
        self.calls.append((method, arguments))
        reply = self.replies.get(method, {"ok": False, "error": "unknown_method"})
        return {"ok": True, **(reply(arguments) if callable(reply) else reply)}


@contextmanager
def slack_stub() -> Iterator[SlackStub]:
    stub = SlackStub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            is_json = self.headers.get_content_type() == "application/json"
            arguments = json.loads(body or "{}") if is_json else dict(parse_qsl(body))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            content = json.dumps(stub.answer(self.path.rpartition("/")[2], {**arguments, "token": token})).encode()
            status, headers = stub.failure or (200, {"x-oauth-scopes": stub.scopes})
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """A test needs no log of its requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield stub
    server.shutdown()
    thread.join()
    server.server_close()
