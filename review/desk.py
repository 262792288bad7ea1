"""The review worker's desk: what each job does, put together from its rooms."""

from __future__ import annotations

import logging
from typing import Protocol

from answerloop.db.repositories import receipts
from answerloop.db.session import Database
from answerloop.errors import Retryable
from review.gaps import Gaps
from review.queue_desk import QueueDesk

log = logging.getLogger(__name__)


class Judge(Protocol):
    """What becomes of verdicts. Raises Retryable."""

    def judge(self, audit_id: str) -> None: ...

    def catch_up(self) -> int: ...


class ReviewDesk:
    """What fails is tried again by a later tick: nothing here is lost with its job."""

    def __init__(self, database: Database, reviews: QueueDesk, corrections: Judge, gaps: Gaps) -> None:
        self._database = database
        self._reviews = reviews
        self._corrections = corrections
        self._gaps = gaps

    def push(self) -> None:
        self._reviews.push()

    def pull(self) -> None:
        self._reviews.pull()

    def sweep(self) -> None:
        self._reviews.sweep()

    def judge(self, audit_id: str) -> None:
        try:
            self._corrections.judge(audit_id)
        except Retryable as error:
            log.warning("an audit waits to be judged", extra={"audit_id": audit_id, "error": str(error)})

    def catch_up(self) -> None:
        try:
            done = self._corrections.catch_up()
        except Retryable as error:
            log.warning("corrections wait", extra={"error": str(error)})
            return
        if done:
            log.info("caught up", extra={"answers": done})

    def withdraw(self, receipt_id: str) -> None:
        """Tasks about what was erased. As long as they stand there, the erasure is not finished, and asks again."""
        with self._database.reading() as session:
            tasks = receipts.tasks_to_withdraw(session, receipt_id)
        if tasks and self._reviews.withdraw(tasks):
            with self._database.writing() as session:
                receipts.tasks_withdrawn(session, receipt_id, tasks)

    def report_gaps(self) -> None:
        self._gaps.report_week()
