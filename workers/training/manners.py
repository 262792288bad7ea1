"""Training on a machine where people wait for answers: it makes room for them, and stops when it is told to."""

from __future__ import annotations

import threading

from answerloop.db.repositories import questions
from answerloop.db.session import Database
from answerloop.errors import Retryable

LOOK_SECONDS = 0.5
MOST_SECONDS = 60.0
"""After so long we go on: nobody answers the question that waits."""


class Interrupted(Retryable):
    """This process ends. The next one goes on with the night."""


class Manners:
    """Raises Interrupted, from every method, once `stop` was called."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def should_pause(self) -> bool:
        """Whether somebody waits for an answer. Raises DatabaseUnavailable."""
        if self._stopping.is_set():
            raise Interrupted("the process ends")
        with self._database.reading() as session:
            waiting, oldest = questions.open_count(session)
        return waiting > 0 and oldest < MOST_SECONDS

    def breathe(self) -> None:
        """Wait until nobody waits any more. Raises DatabaseUnavailable."""
        while self.should_pause():
            self._stopping.wait(LOOK_SECONDS)
