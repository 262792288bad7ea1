"""A whole installation, and what became of answers in it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from sqlalchemy import select

from answerloop.db.repositories import answers
from answerloop.db.repositories.answers import AnswerView
from answerloop.db.tables import FeedbackRow
from answerloop.testing.installation import RunningInstallation, until

Opinion = tuple[str | None, str | None, str | None]


class Office:
    def __init__(self, installation: RunningInstallation) -> None:
        self.installation = installation

    def opinions_of(self, answer_id: str) -> dict[str, Opinion]:
        """Thumb, reason and better answer of each person."""
        with self.installation.database.reading() as session:
            rows = session.scalars(select(FeedbackRow).where(FeedbackRow.answer_id == answer_id)).all()
            return {row.person.rpartition(":")[2]: (row.thumb, row.reason, row.correction) for row in rows}

    def view(self, answer_id: str) -> AnswerView | None:
        with self.installation.database.reading() as session:
            return answers.view_of_answer(session, answer_id)

    def come_to_rest(self) -> None:
        """Whatever was under way is shown, and what should not have been had its second."""
        until(lambda: not self.installation.undelivered(), 120)
        time.sleep(1.0)

    def answers_on_hold(self) -> AbstractContextManager[None]:
        """Nobody answers, as if everybody had asked at once; all else goes on."""
        return self._on_hold("worker-answer")

    def deliveries_on_hold(self) -> AbstractContextManager[None]:
        """Nothing is shown; all else goes on."""
        return self._on_hold("worker-deliver")

    @contextmanager
    def _on_hold(self, process: str) -> Iterator[None]:
        worker = self.installation.pid_of(process)
        until(lambda: self._froze(worker))
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def _froze(self, worker: int) -> bool:
        """Not in the midst of a transaction, which would hold up everybody."""
        os.kill(worker, signal.SIGSTOP)
        with closing(sqlite3.connect(self.installation.home / "answerloop.db", timeout=0.5)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                os.kill(worker, signal.SIGCONT)
                return False
        return True
