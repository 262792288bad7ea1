"""Socket Mode: the same listeners over a connection that we open, for installations without a public address."""

from __future__ import annotations

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient


class Connection:
    """Open from the start to `close`. Its own client holds the app-level token, which Bolt's would not."""

    def __init__(self, bolt: App, app_token: str, api_url: str) -> None:
        self._handler = SocketModeHandler(bolt, app_token, web_client=WebClient(token=app_token, base_url=api_url))
        self._handler.connect()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._handler.close()  # type: ignore[no-untyped-call]
