"""What Slack shows at once and nobody misses when it is lost: dialogs, the App Home, suggested prompts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from slack_sdk.errors import SlackClientError

from answerloop.errors import AnswerloopError

log = logging.getLogger(__name__)

THREADS = 4


class Later:
    """Runs it after the acknowledgement, so that a slow Slack never holds one back."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="slack-later")

    def __call__(self, show: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # closed: we are on our way out
            self._pool.submit(_quietly, show)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _quietly(show: Callable[[], object]) -> None:
    try:
        show()
    except (SlackClientError, AnswerloopError, OSError) as error:
        log.warning("not shown in Slack", extra={"error": type(error).__name__})
    except Exception:
        log.exception("not shown in Slack")
