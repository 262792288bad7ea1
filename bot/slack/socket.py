"""Socket Mode: the same listeners over a connection that we open, for installations without a public address."""

from __future__ import annotations

import logging

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.slack.background import Background

log = logging.getLogger(__name__)

CALL_SECONDS = 10


class Connection:
    """Opened in the background, and again whenever it breaks, until `close`. Its own client holds the app-level token,
    which Bolt's would not."""

    def __init__(self, bolt: App, app_token: str, api_url: str) -> None:
        slack = WebClient(token=app_token, base_url=api_url, timeout=CALL_SECONDS, retry_handlers=[])
        self._handler = SocketModeHandler(bolt, app_token, web_client=slack)
        self._opening = Background("slack-connection", self._connect)

    def state(self) -> str:
        """ "ok", or what is wrong."""
        return "ok" if self._handler.client.is_connected() else "Slack has not let us connect yet, or not again."

    def close(self) -> None:
        self._opening.close()
        self._handler.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> None:
        """At an address asked for anew: one that was not used at once is good for nothing."""
        self._handler.client.connect_to_new_endpoint()
        log.info("connected to Slack")
        if self._opening.closed.is_set():  # meanwhile
            self._handler.close()  # type: ignore[no-untyped-call]
