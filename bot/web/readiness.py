"""Whether a question asked now would be answered, looked up rarely however often anybody asks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

Health = Callable[[], Mapping[str, str]]
"""What is checked → "ok", or a sentence about what is wrong."""

OK = "ok"
BESIDE = frozenset({"slack"})
"""What is told and fails nothing: the web chat answers without it."""
KEPT_SECONDS = 2.0


class Readiness:
    """The last result of the checks. While one thread looks anew, the others wait for what it finds."""

    def __init__(self, health: Health, kept_seconds: float = KEPT_SECONDS) -> None:
        self._health = health
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._good_until = 0.0

    def checks(self) -> dict[str, str]:
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._known = dict(self._health())
                self._good_until = time.monotonic() + self._kept_seconds
                _log_failures(self._known)
            return self._known


def is_ready(checks: Mapping[str, str]) -> bool:
    return not _failures(checks)


def without_details(checks: Mapping[str, str]) -> dict[str, str]:
    """For strangers: a sentence about what is wrong may name hosts, paths and versions."""
    return {name: OK if state == OK else "not ok" for name, state in checks.items()}


def _failures(checks: Mapping[str, str]) -> dict[str, str]:
    return {name: state for name, state in checks.items() if state != OK and name not in BESIDE}


def _log_failures(checks: Mapping[str, str]) -> None:
    failures = _failures(checks)
    if failures:
        log.warning("not ready", extra={"failures": failures})
