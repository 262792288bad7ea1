"""Messages that only one person sees. Slack gives them no id: they can neither be found nor brought up to date, except
through the address that a command or a click brought along, which it takes for half an hour."""

from __future__ import annotations

import logging
import re
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from answerloop.backends.chat_pace import Pace
from answerloop.backends.slack_api import CALL_SECONDS, Gone, call, refusal, unreachable
from answerloop.backends.slack_messages import Render, with_fallback
from answerloop.errors import DeliveryUncertain
from answerloop.slack.address import SlackAddress
from answerloop.slack.rendered import Rendered, Style

log = logging.getLogger(__name__)

RESPONSE_HOST = "hooks.slack.com"
OK = 200


class PrivateMessages:
    def __init__(self, pace: Pace, style: Style, api_url: str) -> None:
        self._pace = pace
        self._style = style
        self._api = urlsplit(api_url)

    def answer(self, slack: WebClient, at: SlackAddress, render: Render, *, again: bool) -> None:
        """In place of the acknowledgement of a command, which has no message of its own. `again`: it was shown before,
        and is changed where that is possible."""
        self._put(slack, at, render, replace=again or at.message is None, again=again, below=False)

    def notice(self, slack: WebClient, at: SlackAddress, render: Render, *, below: bool) -> None:
        """Beside what is there; `below` an answer, in a thread that began with it."""
        self._put(slack, at, render, replace=False, again=False, below=below)

    def _put(
        self, slack: WebClient, at: SlackAddress, render: Render, *, replace: bool, again: bool, below: bool
    ) -> None:
        """One whose outcome is unknown is not sent a second time: its reader finds the answer on the App Home."""
        thread = at.thread if at.thread != at.message or below else None  # Slack shows nothing in one that is not there
        try:
            if at.response_url and self._respond_with(at.response_url, render, thread, replace=replace):
                return
            if not again:
                self._post(slack, at, render, thread)
        except DeliveryUncertain as error:
            if replace and at.response_url:
                raise  # to put it there twice shows it once
            log.warning("private message perhaps not shown", extra={"error": str(error)})

    def _respond_with(self, url: str, render: Render, thread: str | None, *, replace: bool) -> bool:
        """False when the address is used up or not Slack's."""
        below = {"thread_ts": thread} if thread and not replace else {}

        def respond(rendered: Rendered) -> None:
            shown = {"text": rendered.text, "blocks": rendered.blocks, **below}
            self._respond(url, {"response_type": "ephemeral", "replace_original": replace, **shown})

        try:
            with_fallback(self._style, render, respond)
        except Gone as error:
            log.info("no answer to the command any more", extra={"error": str(error)})
            return False
        return True

    def _post(self, slack: WebClient, at: SlackAddress, render: Render, thread: str | None) -> None:
        def post(rendered: Rendered) -> None:
            call(
                slack.chat_postEphemeral,
                channel=at.channel,
                user=at.user,
                thread_ts=thread,
                text=rendered.text,
                blocks=rendered.blocks,
                parse="none",
            )

        with self._pace.posting(at.room_key):
            with_fallback(self._style, render, post)

    def withdraw(self, at: SlackAddress) -> None:
        if at.response_url:
            try:
                self._respond(at.response_url, {"delete_original": True})
            except Gone as error:
                log.info("private message stays", extra={"error": str(error)})

    def _respond(self, url: str, body: dict[str, Any]) -> None:
        if not self._is_slacks(url):
            raise Gone("foreign_response_url")
        try:
            reply = WebhookClient(url, timeout=CALL_SECONDS, retry_handlers=[]).send_dict(body)
        except (OSError, HTTPException) as error:
            raise unreachable(error) from None
        if reply.status_code != OK:
            word = re.search(r"[a-z]+(?:_[a-z]+)+", reply.body)
            raise refusal(reply.status_code, reply.headers, word[0] if word else "refused")

    def _is_slacks(self, url: str) -> bool:
        """Of its own host for this, or of the server that stands in for Slack."""
        try:
            asked = urlsplit(url)
        except ValueError:
            return False
        own = (asked.scheme, asked.netloc) == (self._api.scheme, self._api.netloc)
        return own or (asked.scheme == "https" and asked.netloc == RESPONSE_HOST)
