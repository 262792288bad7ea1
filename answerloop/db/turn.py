"""Writers of a SQLite database wait in line, and whoever acknowledges somebody goes first.

SQLite has one writer at a time and no line: who finds it busy tries again, after pauses of up to a tenth of a second.
Under load whoever is new goes first, and whoever is unlucky waits for seconds.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from answerloop.errors import DatabaseUnavailable


class Turn:
    """The threads of a process line up at a lock of their own, so that each process has one in front. Those meet at two
    files beside the database: an urgent one keeps the others from stepping forward, and waits only for those who have.

    All this only orders, and costs microseconds; what keeps the database whole is SQLite's own lock.
    """

    def __init__(self, database: Path, patience_seconds: float, *, urgent: bool) -> None:
        self._paths = [database.with_name(f"{database.name}-{name}") for name in ("urgent", "turn")]
        self._files: list[int] = []
        self._patience = patience_seconds
        self._urgent = urgent
        self._front = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises DatabaseUnavailable when nothing moves in this process; it waits for as long as another one hangs."""
        if not self._front.acquire(timeout=self._patience):
            raise DatabaseUnavailable("The database is busy.")
        try:
            self._files = self._files or [os.open(path, os.O_RDWR | os.O_CREAT, 0o600) for path in self._paths]
            urgent, turn = self._files
            with ExitStack() as held:
                held.enter_context(_locked(urgent))
                if not self._urgent:
                    held.close()  # nobody urgent waits
                held.enter_context(_locked(turn))
                yield
        finally:
            self._front.release()

    def close(self) -> None:
        while self._files:
            os.close(self._files.pop())


@contextmanager
def _locked(file: int) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
