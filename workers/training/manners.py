"""Training on a machine where people wait for answers: it makes room for them, and stops when it is told to."""

from __future__ import annotations

import threading
from datetime import timedelta

from answerloop.db.repositories import questions
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.errors import Retryable
from answerloop.settings import Settings

LOOK_SECONDS = 0.5
MOST_BREATHS = 20
"""Where questions come without end, judging a candidate still comes to one."""
MOST_SECONDS = 60.0
"""A question that waits for longer is no reason any more: something else keeps it."""


AT_ONCE = 8
"""Questions that are asked at the same time when arms are judged, as a busy installation has them."""


def night_settings(settings: Settings, threads: int) -> Settings:
    """In float32 where the CPU computes: there alone an answer does not change with what else is in the batch."""
    on_gpu = settings.device.startswith("cuda") or (settings.device == "auto" and _has_cuda())
    return settings.model_copy(
        update={
            "threads": threads,
            "dtype": settings.dtype if on_gpu else "float32",
            "batch_size": AT_ONCE,
        }
    )


def _has_cuda() -> bool:
    import torch  # noqa: PLC0415 - takes seconds, and most processes that import us never train

    return torch.cuda.is_available()


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
            return questions.opened_since(session, now() - timedelta(seconds=MOST_SECONDS)) > 0

    def breathe(self) -> None:
        """Wait until nobody waits any more, but not for ever. Raises DatabaseUnavailable."""
        for _ in range(MOST_BREATHS):
            if not self.should_pause():
                return
            self._stopping.wait(LOOK_SECONDS)
