"""An HTTP proxy on loopback that has bad days: it fails, is slow, breaks off, and calls us at the worst moment."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

FORWARD_SECONDS = 60
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(slots=True)
class Trouble:
    """For the next `times` requests whose method and path hold `where`, after `spare` of them. `before`: the server
    never hears of them; else it does them, and then `meanwhile` is called. `status` 0 breaks the connection off."""

    where: str
    status: int = 0
    times: int = 1
    spare: int = 0
    before: bool = False
    slow_seconds: float = 0.0
    meanwhile: Callable[[], object] | None = None


class UnrulyProxy:
    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._lock = threading.Lock()
        self._troubles: list[Trouble] = []
        self.seen: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Nobody reads it."""

            def do_GET(self) -> None:
                proxy._handle(self)

            do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> UnrulyProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def expect(self, trouble: Trouble) -> None:
        with self._lock:
            self._troubles.append(trouble)

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        line = f"{request.command} {request.path}"
        self.seen.append(line)
        trouble = self._trouble(line)
        if trouble and trouble.before:
            self._fail(request, trouble)
            return
        with suppress(OSError, http.client.HTTPException):
            answer, content = self._forward(request, body)
            if not trouble:
                self._reply(request, answer, content)
                return
        if trouble:
            self._fail(request, trouble)
        else:
            request.close_connection = True  # the server is not there

    def _trouble(self, line: str) -> Trouble | None:
        with self._lock:
            for trouble in self._troubles:
                if trouble.where in line and trouble.times > 0:
                    if trouble.spare > 0:
                        trouble.spare -= 1
                        continue
                    trouble.times -= 1
                    return trouble
        return None

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(str(self._target.hostname), self._target.port, timeout=FORWARD_SECONDS)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
            connection.request(request.command, request.path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def _reply(self, request: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, content: bytes) -> None:
        request.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _fail(self, request: BaseHTTPRequestHandler, trouble: Trouble) -> None:
        if trouble.meanwhile:
            trouble.meanwhile()
        time.sleep(trouble.slow_seconds)
        request.close_connection = True
        if trouble.status:
            with suppress(OSError):
                request.send_response(trouble.status)
                request.send_header("Content-Length", "0")
                request.end_headers()
