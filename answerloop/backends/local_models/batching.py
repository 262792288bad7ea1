"""Continuous batching: one thread decodes for everybody, and requests join and leave between two tokens.

transformers has a `ContinuousBatchingManager`; on CPU it took about twice as long as plain `generate`, it packs all
rows into one, so that adapters cannot be mixed, and one failed step ends its thread (docs/decisions, 4 and 18).
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import torch
from transformers.cache_utils import DynamicCache

from answerloop.backends.local_models.adapters import AdaptedModel
from answerloop.backends.local_models.kv_cache import SlotCache
from answerloop.backends.local_models.tokens import PieceDecoder
from answerloop.errors import GenerationTimedOut, GeneratorUnavailable

PREFILL_TOKENS = 768
"""Prompt tokens read between two decoding steps: more would silence the others for long (about two seconds on two
cores), fewer would spread the starts of requests that came together, and steps with few rows cost nearly as much."""

logger = logging.getLogger(__name__)


class _End(Enum):
    DONE = 0


@dataclass(frozen=True, slots=True)
class Preference:
    """The adapter that is worth a merged copy of the weights."""

    adapter: str | None


@dataclass(eq=False, slots=True)
class Generation:
    """One request on its way. The scheduler puts events in, the caller's thread takes them out."""

    prompt: Sequence[int]
    max_tokens: int
    deadline: float
    adapter: str
    decoder: PieceDecoder
    tokens: list[int] = field(default_factory=list)
    abandoned: bool = False
    events: queue.SimpleQueue[str | GeneratorUnavailable | _End] = field(default_factory=queue.SimpleQueue)

    def pieces(self) -> Iterator[str]:
        """Raises GenerationTimedOut at the deadline even while the model is in the middle of a step."""
        while True:
            try:
                event = self.events.get(timeout=max(0.0, self.deadline - time.monotonic()))
            except queue.Empty:
                raise GenerationTimedOut("The deadline passed before the model had finished.") from None
            if isinstance(event, GeneratorUnavailable):
                raise event
            if event is _End.DONE:
                return
            yield str(event)

    @property
    def most_tokens(self) -> int:
        """Whose keys and values are kept before it is done."""
        return len(self.prompt) + self.max_tokens

    @property
    def gone(self) -> bool:
        return self.abandoned or time.monotonic() >= self.deadline

    def take(self, token: int, end_tokens: frozenset[int]) -> bool:
        """Hand the token's text to the caller; true when this was the last token."""
        self.tokens.append(token)
        ended = token in end_tokens
        last = ended or len(self.tokens) >= self.max_tokens
        piece = "" if ended else self.decoder.add(token)
        if last:
            piece += self.decoder.finish()
        if piece:
            self.events.put(piece)
        if last:
            self.events.put(_End.DONE)
        return last

    def fail(self, error: Exception) -> None:
        if isinstance(error, GeneratorUnavailable):
            self.events.put(error)
            return
        failure = GeneratorUnavailable(f"The model failed: {type(error).__name__}")
        failure.__cause__ = error
        self.events.put(failure)


class Scheduler:
    """Owns the model: nothing but its thread may touch it."""

    def __init__(self, model: AdaptedModel, end_tokens: frozenset[int], batch_size: int, batch_tokens: int = 0) -> None:
        """At most `batch_size` rows, and rows times the longest of them at most `batch_tokens` (0: no bound)."""
        self._model = model
        self._end_tokens = end_tokens
        self._batch_size = batch_size
        self._batch_tokens = batch_tokens
        self._inbox: queue.SimpleQueue[Generation | Preference | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._preferred = Preference(None)
        self._waiting: deque[Generation] = deque()
        self._reading: Generation | None = None
        self._read = DynamicCache()
        self._running: list[Generation] = []
        self._cache: SlotCache | None = None
        self._thread = threading.Thread(target=self._run, name="generator", daemon=True)
        self._thread.start()

    def submit(self, generation: Generation) -> None:
        """Raises GeneratorUnavailable after `close`."""
        with self._lock:
            if self._closed:
                raise GeneratorUnavailable("The generator is closed.")
            self._inbox.put(generation)

    def prefer(self, adapter: str | None) -> None:
        """It is merged as soon as nobody waits; that takes about a second."""
        self._inbox.put(Preference(adapter))

    def close(self) -> None:
        """What is under way fails with GeneratorUnavailable."""
        with self._lock:
            self._closed = True
            self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._collect():
                self._read_prompts()
                self._decode()
        finally:
            with self._lock:
                self._closed = True
            while not self._inbox.empty():
                if isinstance(late := self._inbox.get(), Generation):
                    self._waiting.append(late)
            reading = [self._reading] if self._reading else []
            for generation in [*self._running, *reading, *self._waiting]:
                generation.fail(GeneratorUnavailable("The generator is closed."))

    def _collect(self) -> bool:
        """Take new requests in and let the departed go; wait when there is nothing to do. False at the end."""
        idle = not (self._running or self._reading or self._waiting)
        while idle or not self._inbox.empty():
            if idle and self._inbox.empty():
                self._merge()
            taken = self._inbox.get()
            if taken is None:
                return False
            if isinstance(taken, Preference):
                self._preferred = taken
                continue
            self._waiting.append(taken)
            idle = False
        self._waiting = deque(generation for generation in self._waiting if not generation.gone)
        if self._reading and self._reading.gone:
            self._reading = None
        for row in reversed(range(len(self._running))):
            if self._running[row].gone:
                self._leave(row)
        return True

    def _merge(self) -> None:
        try:
            self._model.merge(self._preferred.adapter)
        except Exception:  # without the copy everything is said all the same
            logger.exception("Merging the adapter %s failed", self._preferred.adapter)
            self._preferred = Preference(None)

    def _read_prompts(self) -> None:
        """One prompt at a time: on a CPU reading several together is no faster, and it would need padding."""
        budget = PREFILL_TOKENS
        while budget > 0:
            if self._reading is None:
                if not self._waiting or not self._has_room(self._waiting[0]):
                    return
                self._reading, self._read = self._waiting.popleft(), DynamicCache()
            budget -= self._read_on(self._reading, budget)

    def _has_room(self, generation: Generation) -> bool:
        """The next in line; it is not overtaken, so a long one comes to its turn when enough others are done."""
        return len(self._running) < self._most_rows(generation)

    def _most_rows(self, generation: Generation) -> int:
        if not self._batch_tokens:
            return self._batch_size
        longest = max(other.most_tokens for other in (*self._running, generation))
        return min(self._batch_size, max(1, self._batch_tokens // longest))

    def _read_on(self, generation: Generation, budget: int) -> int:
        """Read at most `budget` more tokens of the prompt; at its end the first token of the answer is known."""
        start = self._read.get_seq_length()
        end = min(start + budget, len(generation.prompt))
        try:
            if start == 0:
                self._model.require(generation.adapter, {other.adapter for other in self._running})
            tokens = torch.tensor([generation.prompt[start:end]], device=self._model.device)
            positions = torch.arange(start, end, device=self._model.device)[None]
            token = self._model.next_tokens(tokens, self._read, positions, None, [generation.adapter])[0]
            if end < len(generation.prompt):
                return end - start
            if not generation.take(token, self._end_tokens):
                self._join(generation)
        except Exception as error:  # whatever the vendor raises concerns this request only
            logger.exception("Reading a prompt failed")
            generation.fail(error)
        self._reading = None
        return end - start

    def _decode(self) -> None:
        if not self._running or self._cache is None:
            return
        try:
            self._cache.make_room()
            last = torch.tensor([[generation.tokens[-1]] for generation in self._running], device=self._model.device)
            adapters = [generation.adapter for generation in self._running]
            positions, mask = self._cache.positions(), self._cache.attention_mask()
            tokens = self._model.next_tokens(last, self._cache, positions, mask, adapters)
            for row in reversed(range(len(tokens))):
                if self._running[row].take(tokens[row], self._end_tokens):
                    self._leave(row)
        except Exception as error:  # the batch is lost, the next one is not
            logger.exception("Decoding failed for %d requests", len(self._running))
            for generation in self._running:
                generation.fail(error)
            self._running, self._cache = [], None

    def _join(self, generation: Generation) -> None:
        if self._cache is None:
            self._cache = SlotCache(self._read)
        self._cache.append(self._read, self._most_rows(generation))
        self._running.append(generation)

    def _leave(self, row: int) -> None:
        """The last row takes its place, here as in the cache. An empty batch gives its memory back."""
        if self._cache is not None:
            self._cache.remove(row)
        self._running[row] = self._running[-1]
        self._running.pop()
        if not self._running:
            self._cache = None
