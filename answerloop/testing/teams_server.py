"""A small Bot Connector on loopback that keeps what it was told, and fails when it is told to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from answerloop.testing.teams_tenant import Body, TeamsError, TeamsTenant

TOO_LARGE, FAILED = 413, 500
PATH = re.compile(r"/v3/conversations(?:/(?P<conversation>[^/]+)/(?P<what>[a-z]+)(?:/(?P<which>[^/]+))?)?")
HTML = b"<html><body><h1>Something went wrong</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that goes wrong. `status`: Teams answers so, and has done nothing, unless `done`. `lost`: it is done,
    and the connection breaks instead of saying so. `seconds`: it takes so long."""

    status: int = 200
    code: str = "ServiceError"
    retry_after: str | None = None
    done: bool = False
    lost: bool = False
    seconds: float = 0.0


def too_many(retry_after: int | None) -> Fault:
    return Fault(429, "TooManyRequests", None if retry_after is None else str(retry_after))


LOST = Fault(lost=True)
BLOCKED = Fault(403, "MessageWritesBlocked")


@dataclass(frozen=True, slots=True)
class Call:
    """`what` is post, typing, put, delete, open, members or member."""

    what: str
    conversation: str
    said: Body
    token: str


class TeamsServer:
    """Use as a context manager. `url` is what Teams calls the service URL."""

    def __init__(self) -> None:
        self.tenant = TeamsTenant()
        self.calls: list[Call] = []
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/teams/"

    def fails(self, what: str, *faults: Fault) -> None:
        """The next calls of this kind go wrong, one after the other."""
        self._faults[what].extend(faults)

    def works_again(self) -> None:
        self._faults.clear()

    def called(self, what: str) -> list[Body]:
        return [call.said for call in self.calls if call.what == what]

    def answer(self, method: str, address: str, said: Body, token: str) -> tuple[Fault, Body]:
        parts = urlsplit(address.removeprefix("/teams"))
        found = PATH.fullmatch(parts.path)
        if found is None:
            return Fault(404, "NotFound"), {}
        conversation, which = (unquote(found[name] or "") for name in ("conversation", "which"))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        what = _what(method, found["what"], said)
        with self._lock:
            self.calls.append(Call(what, conversation, said, token))
            fault = self._faults[what].popleft() if self._faults[what] else Fault()
            if fault.status >= 400 and not fault.done:
                return fault, {}
            try:
                return fault, self._do(what, conversation, which, said, query)
            except TeamsError as error:
                return Fault(error.status, error.code, seconds=fault.seconds), {}

    def _do(self, what: str, conversation: str, which: str, said: Body, query: dict[str, str]) -> Body:
        match what:
            case "post" | "typing":
                return self.tenant.post(conversation, said)
            case "put":
                return self.tenant.update(conversation, which, said)
            case "delete":
                return self.tenant.delete(conversation, which)
            case "open":
                return self.tenant.open(said)
            case "members":
                return self.tenant.page(conversation, int(query["pageSize"]), query.get("continuationToken", ""))
            case "member":
                return self.tenant.member(conversation, which)
        raise TeamsError(405, "MethodNotAllowed")

    def __enter__(self) -> TeamsServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _what(method: str, what: str | None, said: Body) -> str:
    match method, what:
        case "POST", "activities":
            return "typing" if said.get("type") == "typing" else "post"
        case "POST", None:
            return "open"
        case (("PUT" | "DELETE"), "activities"):
            return method.lower()
        case "GET", "pagedmembers":
            return "members"
        case "GET", "members":
            return "member"
    return "unknown"


def _handler(teams: TeamsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            fault, reply = teams.answer(self.command, self.path, json.loads(body or b"{}"), token)
            time.sleep(fault.seconds)
            if fault.lost:
                self.close_connection = True
                return
            with suppress(ConnectionError):  # whoever called may have given up
                self._reply(fault, reply)

        do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - the names that http.server asks for

        def _reply(self, fault: Fault, reply: Body) -> None:
            error = {"error": {"code": fault.code, "message": "no"}} if fault.status >= 400 else reply
            page = fault.status == TOO_LARGE or fault.status >= FAILED
            content = HTML if page else json.dumps(error).encode()
            self.send_response(fault.status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.send_header("Content-Length", str(len(content)))
            if fault.retry_after is not None:
                self.send_header("Retry-After", fault.retry_after)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """The calls are kept anyway."""

    return Handler
