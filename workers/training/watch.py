"""What keeps a run in its bounds: the end of the night, people who wait for answers, and memory."""

from __future__ import annotations

import ctypes
import gc
import resource
import time
from collections.abc import Callable
from enum import StrEnum

import psutil

from workers.training.params import Params

PAUSE_SECONDS = 0.2
GIGABYTE = 1e9


class Stop(StrEnum):
    """Why a training ended."""

    DONE = "all epochs are done"
    PATIENCE = "the validation loss fell no further"
    DEADLINE = "the night was over"
    MINUTES = "max_minutes were over"


class Watch:
    """`deadline` is of `time.monotonic`; `spent` and `paused` are seconds of earlier attempts."""

    def __init__(
        self,
        params: Params,
        should_pause: Callable[[], bool],
        deadline: float,
        *,
        spent: float = 0.0,
        paused: float = 0.0,
    ) -> None:
        self._params = params
        self._should_pause = should_pause
        self._deadline = deadline
        self._spent = spent
        self._paused_before = paused
        self._paused = 0.0
        self._start = time.monotonic()
        self._process = psutil.Process()

    @property
    def seconds(self) -> float:
        """Of training in all attempts, without pauses."""
        return self._spent + time.monotonic() - self._start - self._paused

    @property
    def paused_seconds(self) -> float:
        return self._paused_before + self._paused

    def wait(self, needed: float = 0.0) -> None:
        """While questions wait, but not into the last `needed` seconds of the night."""
        started = time.monotonic()
        while self._should_pause() and started + needed < self._deadline:
            time.sleep(PAUSE_SECONDS)
            self._paused += time.monotonic() - started
            started = time.monotonic()

    def stop(self, needed: float = 0.0) -> Stop | None:
        """Why what takes `needed` seconds must not begin any more."""
        if time.monotonic() + needed >= self._deadline:
            return Stop.DEADLINE
        if self._params.max_minutes and self.seconds + needed >= self._params.max_minutes * 60:
            return Stop.MINUTES
        return None

    def memory_is_short(self) -> bool:
        """Whether the process holds more than it may after it gave back what it could."""
        limit = self._params.max_memory_gb * GIGABYTE
        if not limit or self._process.memory_info().rss <= limit:
            return False
        gc.collect()
        if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
            libc.malloc_trim(0)  # glibc keeps what was freed
        return bool(self._process.memory_info().rss > limit)

    def memory_gb(self) -> float:
        return float(self._process.memory_info().rss) / GIGABYTE


def peak_memory_gb() -> float:
    """Of this process since its start."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIGABYTE
