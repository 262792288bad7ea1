"""What was read somewhere slow, kept for a short while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")

SWEPT_AT = 1_000
"""Entries from which on those that are too old are let go, each time they have doubled."""


class TimedCache(Generic[K, T]):
    """Gives nothing that was read longer ago than `seconds`. One thread reads for a key, the others wait for it; what
    raises is not kept."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._readers: dict[K, threading.Lock] = {}
        self._kept: dict[K, tuple[float, T]] = {}
        self._swept_at = SWEPT_AT

    def get(self, key: K, read: Callable[[], T]) -> T:
        with self._lock:
            if len(self._readers) >= self._swept_at:
                self._sweep()
            reader = self._readers.setdefault(key, threading.Lock())
        with reader:
            now = self._clock()
            found = self._kept.get(key)
            if found is None or now - found[0] >= self._seconds:
                found = self._kept[key] = (now, read())
            return found[1]

    def _sweep(self) -> None:
        now = self._clock()
        for key, (read_at, _) in list(self._kept.items()):
            if now - read_at >= self._seconds:
                self._kept.pop(key, None)
        self._readers = {key: each for key, each in self._readers.items() if key in self._kept or each.locked()}
        self._swept_at = max(SWEPT_AT, 2 * len(self._readers))

    def forget(self, key: K) -> None:
        self._kept.pop(key, None)
