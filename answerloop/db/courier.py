"""Jobs on their way to the broker, behind the back of whoever wrote them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from answerloop.db import outbox
from answerloop.db.session import Database
from answerloop.db.tables import OutboxRow
from answerloop.errors import DatabaseUnavailable
from answerloop.ports import TaskQueue

log = logging.getLogger(__name__)

STRIKE_OUT_SECONDS = 0.5
"""Far less than the sweep waits. What was sent and not struck out when the process dies is sent twice."""


class Courier:
    """Sends each job at once in a thread of its own, and strikes out many together: whoever waits to be acknowledged
    waits neither for the broker nor for a second transaction."""

    def __init__(self, database: Database, queue: TaskQueue) -> None:
        self._database = database
        self._queue = queue
        self._posted: SimpleQueue[Sequence[OutboxRow] | None] = SimpleQueue()
        self._sent: list[str] = []
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Everything posted so far is sent first, unless that takes long: then it is the sweep's."""
        self._posted.put(None)
        self._thread.join(timeout=5)

    def post(self, rows: Sequence[OutboxRow]) -> None:
        self._posted.put(rows)

    def _run(self) -> None:
        struck_out = time.monotonic()
        while (rows := self._next()) is not None:
            self._hand_over(rows)
            if not rows or time.monotonic() - struck_out > STRIKE_OUT_SECONDS:
                self._strike_out()
                struck_out = time.monotonic()
        self._strike_out()

    def _next(self) -> Sequence[OutboxRow] | None:
        """What was posted; nothing when it is time to strike out, None at the end."""
        try:
            return self._posted.get(timeout=STRIKE_OUT_SECONDS if self._sent else None)
        except Empty:
            return ()

    def _hand_over(self, rows: Sequence[OutboxRow]) -> None:
        try:
            self._sent += outbox.hand_over(self._queue, rows)
        except Exception:
            log.exception("jobs are left to the sweep")

    def _strike_out(self) -> None:
        sent, self._sent = self._sent, []
        try:
            outbox.strike_out(self._database, sent)
        except DatabaseUnavailable as error:
            log.warning("jobs will be sent twice", extra={"error": str(error)})
        except Exception:
            log.exception("jobs will be sent twice")
