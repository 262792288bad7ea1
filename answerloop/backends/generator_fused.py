"""A circuit breaker: a model that does not answer must not cost every question its timeout."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence

from answerloop.domain import Message
from answerloop.errors import GeneratorUnavailable
from answerloop.observability import ENDPOINT_ANSWERS, ENDPOINT_COST
from answerloop.ports import Completion, GenerationRequest, Generator

log = logging.getLogger(__name__)

FAILURES = 3
OPEN_SECONDS = 30.0


class FusedGenerator:
    """A `Generator` around another one. After `FAILURES` failures in a row it is not asked for `OPEN_SECONDS`; then one
    question tries it, and the others wait for how that one fares without waiting themselves."""

    def __init__(
        self,
        model: Generator,
        failing: Callable[[str], None],
        well: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`failing` is told why when the model is given up for a while, `well` when it answers again; neither may
        raise."""
        self.name = model.name
        self._model = model
        self._failing = failing
        self._well = well
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    @property
    def window(self) -> int:
        return self._model.window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return self._model.count_tokens(messages)

    def prefer(self, adapter: str | None) -> None:
        if (prefer := getattr(self._model, "prefer", None)) is not None:
            prefer(adapter)

    def close(self) -> None:
        if (close := getattr(self._model, "close", None)) is not None:
            close()

    def generate(self, request: GenerationRequest) -> Completion:
        completion = Completion(())
        completion.pieces = self._pieces(request, weakref.ref(completion))
        return completion

    def _pieces(self, request: GenerationRequest, completion: weakref.ref[Completion]) -> Iterator[str]:
        self._enter()
        inner = self._model.generate(request)
        try:
            yield from inner
        except GeneratorUnavailable as error:
            self._failed(error)
            _count(inner, completion())
            raise
        self._succeeded()
        _count(inner, completion())

    def _enter(self) -> None:
        with self._lock:
            if self._failures < FAILURES:
                return
            if self._clock() < self._closed_until:
                ENDPOINT_ANSWERS.labels(outcome="not asked").inc()
                raise GeneratorUnavailable(f"{self.name} has failed {self._failures} times in a row, so it waits.")
            self._closed_until = self._clock() + OPEN_SECONDS  # one tries, the others do not

    def _failed(self, error: GeneratorUnavailable) -> None:
        ENDPOINT_ANSWERS.labels(outcome="failed").inc()
        with self._lock:
            self._failures += 1
            opened = self._failures >= FAILURES
            self._closed_until = self._clock() + OPEN_SECONDS
        if opened:
            log.warning("endpoint given up for a while", extra={"model": self.name, "error": str(error)})
            self._failing(str(error))

    def _succeeded(self) -> None:
        ENDPOINT_ANSWERS.labels(outcome="answered").inc()
        with self._lock:
            recovered, self._failures = self._failures >= FAILURES, 0
        if recovered:
            self._well()


def _count(inner: Completion, target: Completion | None) -> None:
    if inner.usage is not None:
        ENDPOINT_COST.inc(inner.usage.cost)
    if target is not None:
        target.usage = inner.usage
