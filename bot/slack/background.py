"""What Slack has to answer for all to be well, and what nobody waits for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPException

from slack_sdk.errors import SlackClientError

from answerloop.errors import AnswerloopError

log = logging.getLogger(__name__)

WAITS_SECONDS = (1.0, 5.0, 15.0, 60.0)


class Background:
    """Does it in a thread of its own, again and again until it succeeds or is closed; the last wait is repeated.
    `every`: and from then on once in so many seconds."""

    def __init__(
        self,
        name: str,
        attempt: Callable[[], object],
        *,
        every: float | None = None,
        waits: Sequence[float] = WAITS_SECONDS,
    ) -> None:
        self._name = name
        self._attempt = attempt
        self._every = every
        self._waits = waits
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """What is under way ends by itself."""
        self.closed.set()

    def join(self, seconds: float) -> bool:
        """Whether it has ended within this time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self.closed.is_set():
            if self._succeeds():
                if self._every is None:
                    return
                failures, wait = 0, self._every
            else:
                failures, wait = failures + 1, self._waits[min(failures, len(self._waits) - 1)]
            self.closed.wait(wait)

    def _succeeds(self) -> bool:
        try:
            self._attempt()
        except (AnswerloopError, SlackClientError, OSError, HTTPException) as error:
            log.warning("Slack does not answer yet", extra={"what": self._name, "error": str(error)})
            return False
        except Exception:
            log.exception("failed with Slack", extra={"what": self._name})
            return False
        return True
