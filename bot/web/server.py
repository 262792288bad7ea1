"""The server under the web chat: on a signal it ends the open event streams first, else they would hold it back."""

from __future__ import annotations

from fastapi import FastAPI

from answerloop.web.server import WebServer
from bot.web.events import RevisionWatch


class ChatServer(WebServer):
    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        watch: RevisionWatch = app.state.watch
        super().__init__(app, host, port, watch.close)
