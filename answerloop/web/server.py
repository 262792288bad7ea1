"""The server under the web pages."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI


class WebServer(uvicorn.Server):
    """Does not believe `X-Forwarded-…` headers: who the other end is, is decided in `answerloop.web.identity`.

    On a signal `before_exit` is called first: what is open for long must be ended, else it would hold the server back.
    """

    def __init__(self, app: FastAPI, host: str, port: int, before_exit: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_config=None,
                ws="none",
                timeout_graceful_shutdown=5,
            )
        )
        self._before_exit = before_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Without uvicorn's note of the signal: it would send it again at the end, and whoever runs us could not tidy
        up behind us."""
        self._before_exit()
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
