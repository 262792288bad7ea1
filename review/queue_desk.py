"""The review queue's part of the desk: what the jobs do, whenever there is a queue at all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from answerloop.db.fence import LeaseLost
from answerloop.db.repositories import audit_pushes
from answerloop.db.session import Database
from answerloop.errors import Retryable, ReviewQueueRefused
from answerloop.label_studio import Access
from review.audit import AuditLoop

log = logging.getLogger(__name__)


PATIENCE_SECONDS = 8.0
"""Steps that are due at the same moment take turns: who went away at once would lose to the faster one every time."""


class QueueDesk:
    """`access` is asked each time: the server may come up later than we do, and on another port than before. A failure
    is no news for the log of the worker: it is told as an alarm, and the next tick tries again."""

    def __init__(
        self,
        database: Database,
        access: Callable[[], Access | None],
        build: Callable[[Access], AuditLoop],
    ) -> None:
        self._database = database
        self._access = access
        self._build = build
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._built: tuple[Access, AuditLoop] | None = None

    def push(self) -> None:
        with self._database.reading() as session:
            if not audit_pushes.anything_waits(session):
                return
        self._do("push", lambda loop: loop.push())

    def pull(self) -> None:
        self._do("pull", lambda loop: loop.pull())

    def sweep(self) -> None:
        self._do("sweep", lambda loop: loop.sweep())

    def withdraw(self, tasks: Sequence[tuple[str, str]]) -> bool:
        """Whether these tasks, each with its project, are gone."""
        return self._do("withdraw", lambda loop: loop.withdraw(tasks)) is not None

    def _do(self, name: str, step: Callable[[AuditLoop], int | None]) -> int | None:
        loop = self._loop()
        if loop is None or not self._turn.acquire(timeout=PATIENCE_SECONDS):
            return None
        try:
            done = step(loop)
        except (Retryable, ReviewQueueRefused, LeaseLost) as error:
            log.warning("the review queue waits", extra={"step": name, "error": str(error)})
            return None
        finally:
            self._turn.release()
        if done:
            log.info("review queue", extra={"step": name, "tasks": done})
        return done

    def _loop(self) -> AuditLoop | None:
        access = self._access()
        if access is None:
            return None
        with self._lock:
            if self._built is None or self._built[0] != access:
                self._built = (access, self._build(access))
            return self._built[1]
