"""Label Studio tells that something has changed: a hint to look now instead of in some seconds, and nothing more.

Its secret can be read there by every reviewer, so it has no other power, and what the message says is not even read.
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from answerloop.errors import QueueUnavailable
from answerloop.label_studio import HINT_HEADER
from answerloop.ports import TaskQueue
from answerloop.tasks import pull_judgements

log = logging.getLogger(__name__)

PATH = "/webhooks/label-studio"
PAUSE_SECONDS = 1.0
"""One look answers all the hints of a moment."""
NO_CONTENT, UNAUTHENTICATED = 204, 401


class HintDoor:
    def __init__(
        self, queue: TaskQueue, secret: Callable[[], str | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._secret = secret
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def knock(self, secret: str) -> bool:
        """Whether it was somebody who knows the secret. The reviewer's click waits for us, so nothing here may take
        long; a hint that is lost is made up for by the schedule."""
        expected = self._secret()
        if not expected or not hmac.compare_digest(secret.encode(), expected.encode()):
            return False
        with self._lock:
            if self._clock() < self._next:
                return True
            self._next = self._clock() + PAUSE_SECONDS
        try:
            self._queue.send(pull_judgements())
        except QueueUnavailable as error:
            log.warning("a hint is lost", extra={"error": str(error)})
        return True


def routes(door: HintDoor) -> APIRouter:
    router = APIRouter()

    @router.post(PATH, include_in_schema=False)
    def hint(request: Request) -> Response:
        known = door.knock(request.headers.get(HINT_HEADER, ""))
        return Response(status_code=NO_CONTENT if known else UNAUTHENTICATED)

    return router
