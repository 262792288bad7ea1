"""A thread in every process that says "I live" and keeps the leases of the work in hand."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from answerloop.db.repositories import processes
from answerloop.db.session import Database
from answerloop.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

MISSED_BEATS, LEAST_SECONDS = 3, 30
"""After so many, and no sooner, a health check finds the process dead."""


class Heartbeat:
    """Beats every `seconds`; whatever is `during` a block is called at each beat until the block ends. `alive` is a
    file that tells the health check of a container when the last beat was, and how long ago it may be (see
    `answerloop.alive`)."""

    def __init__(self, database: Database, name: str, seconds: float, alive: Path | None = None) -> None:
        self._database = database
        self._name = name
        self._seconds = seconds
        self._alive = alive
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._renewals: dict[int, Callable[[], None]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        try:
            with self._database.writing(beside_others=True) as session:
                processes.leave(session, self._name, socket.gethostname(), os.getpid())
        except DatabaseUnavailable:
            log.warning("could not sign off")

    @contextmanager
    def during(self, renew: Callable[[], None]) -> Iterator[None]:
        key = id(renew)
        with self._lock:
            self._renewals[key] = renew
        try:
            yield
        finally:
            with self._lock:
                del self._renewals[key]

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            with self._lock:
                renewals = list(self._renewals.values())
            for renew in (*renewals, self._beat):
                _attempt(renew)

    def _beat(self) -> None:
        with self._database.writing(beside_others=True) as session:
            resident = self._process.memory_info().rss
            processes.beat(session, self._name, socket.gethostname(), os.getpid(), resident)
        if self._alive:
            self._alive.write_text(f"{max(MISSED_BEATS * self._seconds, LEAST_SECONDS):.0f}\n")


def _attempt(renew: Callable[[], None]) -> None:
    """One failure must not cost the other leases, nor end the thread that keeps them."""
    try:
        renew()
    except DatabaseUnavailable as error:
        log.warning("heartbeat missed", extra={"error": str(error)})
    except Exception:
        log.exception("heartbeat failed")
