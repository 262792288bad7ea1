"""What was read somewhere slow, kept for a short while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class TimedCache(Generic[K, T]):
    """Gives nothing that was read longer ago than `seconds`. One thread reads for a key, the others wait for it; what
    raises is not kept."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._readers: dict[K, threading.Lock] = {}
        self._kept: dict[K, tuple[float, T]] = {}

    def get(self, key: K, read: Callable[[], T]) -> T:
        with self._lock:
            reader = self._readers.setdefault(key, threading.Lock())
        with reader:
            now = self._clock()
            found = self._kept.get(key)
            if found is None or now - found[0] >= self._seconds:
                found = self._kept[key] = (now, read())
            return found[1]

    def forget(self, key: K) -> None:
        self._kept.pop(key, None)
