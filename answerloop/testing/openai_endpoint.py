"""An OpenAI-compatible endpoint that opens no socket: it remembers every request and says what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

URL = "https://models.example/v1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint does with one request. `pieces` are said one by one, an exception among them is raised;
    `usage` are tokens of prompt and answer, none: it does not count. `cut`: the stream ends without its end."""

    pieces: Sequence[str | Exception] = ("90 ", "days")
    usage: tuple[int, int] | None = (40, 2)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    cut: bool = False
    before_each: Callable[[], None] = lambda: None


class FakeEndpoint(httpx2.MockTransport):
    """Does with each request what `replies` say, the last one for all that follow."""

    def __init__(self, *replies: Reply | Exception | Callable[[dict[str, Any]], Reply]) -> None:
        super().__init__(self._handle)
        self._replies = list(replies) or [Reply()]
        self.bodies: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.closed = 0

    @property
    def said_to_it(self) -> str:
        """Every byte that it was sent, as text."""
        return "\n".join((*self.raw, *(json.dumps(headers) for headers in self.headers), *self.paths))

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        content = request.read().decode()
        self.raw.append(content)
        self.bodies.append(json.loads(content) if content else {})
        self.headers.append(dict(request.headers))
        self.paths.append(str(request.url))
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if callable(reply):
            reply = reply(self.bodies[-1])
        if isinstance(reply, Exception):
            raise reply
        if reply.status != httpx2.codes.OK or "load_lora" in request.url.path:
            return httpx2.Response(reply.status, headers=reply.headers, text=reply.body)
        stream = _Stream(self, reply)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=stream)


class _Stream(httpx2.SyncByteStream):
    def __init__(self, endpoint: FakeEndpoint, reply: Reply) -> None:
        self._endpoint = endpoint
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._reply.pieces:
            self._reply.before_each()
            if isinstance(piece, Exception):
                raise piece
            yield _event([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
        if self._reply.cut:
            return
        yield _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        if self._reply.usage:
            prompt, said = self._reply.usage
            counted = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
            yield _event([], usage=counted)
        yield b"data: [DONE]\n\n"

    def close(self) -> None:
        self._endpoint.closed += 1


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}
    return f"data: {json.dumps(chunk)}\n\n".encode()
