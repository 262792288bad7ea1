"""Many small writes at once share a transaction (group commit): one lock, one sync of the disk and the same few
statements for all of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from answerloop.db.session import Database, Deadlock
from answerloop.errors import DatabaseUnavailable

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")

PATIENCE_SECONDS = 12.0
"""Somewhat more than the database itself is waited for, and less than a chat platform waits for us."""


class _Waiting(Generic[I, R]):
    """One caller's item, and what became of it."""

    result: R
    error: Exception | None = None
    done = False

    def __init__(self, item: I) -> None:
        self.item = item


class Together(Generic[I, R]):
    """Whoever comes first writes for all who wait; what arrives meanwhile goes into the next transaction.

    `write_all` returns a result for each item. Where it fails it is tried again with each item alone, so that nobody
    pays for somebody else's. Who has waited for `patience_seconds` is told so: one thread that hangs holds up its own
    items alone, and not every thread that comes after it.
    """

    def __init__(
        self,
        database: Database,
        write_all: Callable[[Session, Sequence[I]], Sequence[R]],
        patience_seconds: float = PATIENCE_SECONDS,
        *,
        beside_others: bool = False,
    ) -> None:
        self._database = database
        self._patience = patience_seconds
        self._beside_others = beside_others
        self._write_all = write_all
        self._turn = threading.Lock()
        self._waiting: deque[_Waiting[I, R]] = deque()

    def write(self, item: I) -> R:
        """The item's result, after the commit. Raises what `write_all` does, DatabaseUnavailable, DuplicateKey."""
        mine = _Waiting[I, R](item)
        self._waiting.append(mine)
        if not self._turn.acquire(timeout=self._patience):
            with suppress(ValueError):  # it is being written right now: sent again, it is known
                self._waiting.remove(mine)
            raise DatabaseUnavailable("The database is busy.")
        try:
            if not mine.done:
                self._write(list(self._taken()))
        finally:
            self._turn.release()
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _taken(self) -> Iterator[_Waiting[I, R]]:
        """All who wait now; one may give up in the meantime."""
        with suppress(IndexError):
            for _ in range(len(self._waiting)):
                yield self._waiting.popleft()

    def _write(self, waiting: Sequence[_Waiting[I, R]]) -> None:
        try:
            try:
                results = self._transaction(waiting)
            except Deadlock:
                results = self._transaction(waiting)
            for each, result in zip(waiting, results, strict=True):
                each.result = result
        except Exception as error:  # noqa: BLE001 - raised again where it belongs
            if len(waiting) > 1 and not isinstance(error, DatabaseUnavailable):
                for each in waiting:
                    self._write([each])
                return
            for each in waiting:
                each.error = error
        for each in waiting:
            each.done = True

    def _transaction(self, waiting: Sequence[_Waiting[I, R]]) -> Sequence[R]:
        with self._database.writing(beside_others=self._beside_others) as session:
            return self._write_all(session, [each.item for each in waiting])
