"""The server under the web chat: on a signal it ends the open event streams first, else they would hold it back."""

from __future__ import annotations

from types import FrameType

import uvicorn
from fastapi import FastAPI

from bot.web.events import RevisionWatch


class ChatServer(uvicorn.Server):
    """Does not believe `X-Forwarded-…` headers: who the other end is, is decided in `bot.web.identity`."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
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
        self._watch: RevisionWatch = app.state.watch

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._watch.close()
        super().handle_exit(sig, frame)
