"""Socket Mode: the same listeners over a connection that we open, for installations without a public address."""

from __future__ import annotations

import logging
from threading import Event, Thread

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0


class Connection:
    """Opened in the background, from the start to `close`: the web chat lives without Slack, and with a wrong token.
    Its own client holds the app-level token, which Bolt's would not. What breaks later is mended by the vendor."""

    def __init__(self, bolt: App, app_token: str, api_url: str, first_wait_seconds: float = FIRST_WAIT_SECONDS) -> None:
        self._handler = SocketModeHandler(bolt, app_token, web_client=WebClient(token=app_token, base_url=api_url))
        self._wait = first_wait_seconds
        self._closed = Event()
        Thread(target=self._open, name="slack-socket", daemon=True).start()

    def _open(self) -> None:
        while not self._closed.is_set():
            try:
                self._handler.connect()  # type: ignore[no-untyped-call]
            except (SlackClientError, OSError) as error:
                word = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
                log.error("no connection to Slack: run `answerloop doctor --slack`", extra={"error": str(word)})  # noqa: TRY400 - the word says it all
            else:
                return
            self._closed.wait(self._wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT_SECONDS)

    def close(self) -> None:
        self._closed.set()
        self._handler.close()  # type: ignore[no-untyped-call]
