"""The generator behind an OpenAI-compatible endpoint: vLLM, Ollama, Claude, Gemini and others.

It knows nothing of what may leave the house: `generator_outside` stands before it where that matters.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from answerloop.backends.openai_adapters import VllmAdapters
from answerloop.backends.openai_api import CONNECT_SECONDS, EndpointRefused, TryAgain, in_our_words
from answerloop.domain import BASE_ADAPTER, Message, Usage
from answerloop.errors import GenerationTimedOut, GeneratorUnavailable
from answerloop.ports import Completion, GenerationRequest

log = logging.getLogger(__name__)

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.5
BYTES_OF_A_TOKEN = 3
"""English has about four: an estimate that is rather too high fits every window."""
MESSAGE_TOKENS = 8
"""What a chat template puts around a message, at most."""
SHARE_OF_THE_TIME = 0.7
"""Of what is left until the deadline: somebody else must be able to answer in the rest."""
LONGEST_CHARACTERS = 50_000


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


class OpenAIGenerator:
    """An `AdaptedGenerator`. Each request is made in a thread of its own, which alone touches the connection: whoever
    waits goes when the deadline has come, whatever the endpoint does, and the thread ends with its next read."""

    def __init__(
        self,
        client: openai.OpenAI,
        model: str,
        *,
        window: int,
        seconds: float,
        price: Price | None = None,
        extra: Mapping[str, Any] | None = None,
        adapters: VllmAdapters | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Without `adapters` a request that names one is refused. `jitter` is drawn from [0, 1)."""
        self.name = model
        self.window = window
        self._client = client
        self._seconds = seconds
        self._price = price or Price()
        self._extra = dict(extra or {})
        self._adapters = adapters
        self._jitter = jitter

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """An estimate on the safe side: the endpoint's tokenizer is not known."""
        return sum(MESSAGE_TOKENS + _tokens_of(message.content) for message in messages)

    def prefer(self, adapter: str | None) -> None:
        """Nothing: the endpoint mixes adapters in its batches itself."""

    def close(self) -> None:
        self._client.close()

    def generate(self, request: GenerationRequest) -> Completion:
        completion = Completion(())
        completion.pieces = self._pieces(request, weakref.ref(completion))
        return completion

    def _pieces(self, request: GenerationRequest, completion: weakref.ref[Completion]) -> Iterator[str]:
        now = time.monotonic()
        left = request.deadline - now
        if left <= 0:
            raise GenerationTimedOut("There was no time left to ask.")
        if self.count_tokens(request.messages) + request.max_tokens > self.window:
            raise GeneratorUnavailable(f"The prompt does not fit a window of {self.window} tokens.")
        call = _Call(request, now + min(self._seconds, SHARE_OF_THE_TIME * left))
        threading.Thread(target=self._run, args=(call,), name="endpoint", daemon=True).start()
        try:
            yield from call.pieces()
        except GeneratorUnavailable:
            if call.said and (target := completion()) is not None:
                target.usage = self._usage(call)
            raise
        finally:
            call.abandoned.set()
        if (target := completion()) is not None:
            target.usage = self._usage(call)

    def _usage(self, call: _Call) -> Usage:
        counted = call.counted
        prompt, said = counted or (self.count_tokens(call.request.messages), _tokens_of("".join(call.said)))
        return Usage(call.request.adapter, prompt, said, self._price.of(prompt, said), estimated=counted is None)

    # --- in the thread of a call

    def _run(self, call: _Call) -> None:
        """Whatever happens, whoever waits is told."""
        try:
            self._attempts(call)
            call.put(None)
        except GeneratorUnavailable as error:
            call.put(error)
        except Exception as error:  # noqa: BLE001 - a library's message may quote the prompt, so its name alone is told
            call.put(in_our_words(error, str(self._client.base_url)))

    def _attempts(self, call: _Call) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._attempt(call)
            except TryAgain as error:
                wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) if error.seconds is None else error.seconds
                wait *= 1 + 0.25 * self._jitter()
                if call.said or attempt == ATTEMPTS or wait >= call.left:
                    raise
                if not call.abandoned.wait(wait):
                    continue
            return

    def _attempt(self, call: _Call) -> None:
        """Once; a second time where an adapter was known to be there and is not any more."""
        adapter = call.request.adapter
        loaded_now = self._require(adapter, call)
        try:
            self._stream(call)
        except EndpointRefused:
            if loaded_now or adapter == BASE_ADAPTER or call.said or not self._forget(adapter):
                raise
            self._require(adapter, call)
            self._stream(call)

    def _require(self, adapter: str, call: _Call) -> bool:
        if adapter == BASE_ADAPTER:
            return False
        if self._adapters is None:
            raise GeneratorUnavailable("The endpoint is not one that speaks with adapters.")
        return self._adapters.require(adapter, call.left)

    def _forget(self, adapter: str) -> bool:
        return self._adapters is not None and self._adapters.forget(adapter)

    def _stream(self, call: _Call) -> None:
        request = call.request
        left = call.left
        if left <= 0:
            raise GenerationTimedOut("The endpoint took too long.")
        messages: Any = [{"role": each.role, "content": each.content} for each in request.messages]
        try:
            stream = self._client.chat.completions.create(
                model=self.name if request.adapter == BASE_ADAPTER else request.adapter,
                messages=messages,
                max_tokens=request.max_tokens,
                stream=True,
                stream_options={"include_usage": True},
                timeout=httpx2.Timeout(left, connect=min(CONNECT_SECONDS, left)),
                extra_body={"temperature": 0, **self._extra},
            )
            with stream:
                self._read(stream, call)
        except GeneratorUnavailable:
            raise
        except (openai.OpenAIError, httpx2.HTTPError, OSError, ValueError, TypeError, AttributeError) as error:
            raise in_our_words(error, str(self._client.base_url)) from None

    def _read(self, stream: Any, call: _Call) -> None:
        finished = False
        for chunk in stream:
            if call.abandoned.is_set():
                return
            if call.left <= 0:
                raise GenerationTimedOut("The endpoint took too long.")
            if chunk.usage is not None:
                call.counted = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            for choice in chunk.choices or ():
                finished = finished or choice.finish_reason is not None
                call.say(choice.delta.content if choice.delta is not None else None)
        if not finished:
            raise TryAgain("The endpoint broke off in the middle of its answer.")


@dataclass(slots=True)
class _Call:
    """One request under way. `until` is on the clock of `time.monotonic()`; `counted` are the tokens of prompt and
    answer, where the endpoint has told them. None in the queue is the end."""

    request: GenerationRequest
    until: float
    abandoned: threading.Event = field(default_factory=threading.Event)
    said: list[str] = field(default_factory=list)
    counted: tuple[int, int] | None = None
    _queue: queue.SimpleQueue[str | GeneratorUnavailable | None] = field(default_factory=queue.SimpleQueue)

    @property
    def left(self) -> float:
        return self.until - time.monotonic()

    def put(self, piece: str | GeneratorUnavailable | None) -> None:
        self._queue.put(piece)

    def say(self, piece: str | None) -> None:
        if not piece:
            return
        self.said.append(piece)
        if sum(map(len, self.said)) > LONGEST_CHARACTERS:
            raise GeneratorUnavailable("The endpoint says more than it was asked for.")
        self.put(piece)

    def pieces(self) -> Iterator[str]:
        while True:
            try:
                piece = self._queue.get(timeout=max(0.0, self.left))
            except queue.Empty:
                raise GenerationTimedOut("The endpoint took too long.") from None
            if piece is None:
                return
            if isinstance(piece, GeneratorUnavailable):
                raise piece
            yield piece


def _tokens_of(text: str) -> int:
    return -(-len(text.encode()) // BYTES_OF_A_TOKEN)
