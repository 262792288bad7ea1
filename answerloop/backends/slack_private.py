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

from answerloop.backends.slack_api import CALL_SECONDS, Gone, call, refusal, unreachable
from answerloop.backends.slack_messages import Render, with_fallback
from answerloop.backends.slack_pace import Pace
from answerloop.errors import DeliveryUncertain
from answerloop.slack.address import Mode, SlackAddress
from answerloop.slack.rendered import Rendered, Style

log = logging.getLogger(__name__)

RESPONSE_HOST = "hooks.slack.com"
OK = 200


class PrivateMessages:
    def __init__(self, pace: Pace, style: Style, api_url: str) -> None:
        self._pace = pace
        self._style = style
        self._api = urlsplit(api_url)

    def put(self, slack: WebClient, at: SlackAddress, render: Render, *, in_place: bool, again: bool) -> None:
        """`in_place` of an acknowledgement, where one stands, else beside what is there. `again`: it was shown before,
        and is changed where that is possible.

        One whose outcome is unknown is not sent a second time: its reader finds the answer on the App Home.
        """
        try:
            if at.response_url and self._respond_with(at.response_url, render, in_place=in_place):
                return
            if not again:
                self._post(slack, at, render, in_place=in_place)
        except DeliveryUncertain as error:
            if in_place and at.response_url:
                raise  # to put it there twice shows it once
            log.warning("private message perhaps not shown", extra={"error": str(error)})

    def _respond_with(self, url: str, render: Render, *, in_place: bool) -> bool:
        """False when the address is used up or not Slack's."""

        def respond(rendered: Rendered) -> None:
            shown = {"text": rendered.text, "blocks": rendered.blocks}
            self._respond(url, {"response_type": "ephemeral", "replace_original": in_place, **shown})

        try:
            with_fallback(self._style, render, respond)
        except Gone as error:
            log.info("no answer to the command any more", extra={"error": str(error)})
            return False
        return True

    def _post(self, slack: WebClient, at: SlackAddress, render: Render, *, in_place: bool) -> None:
        """In the thread, where there is one: Slack shows nothing in a thread that does not exist."""
        begun = at.thread != at.message or (at.mode is Mode.THREAD and not in_place)

        def post(rendered: Rendered) -> None:
            call(
                slack.chat_postEphemeral,
                channel=at.channel,
                user=at.user,
                thread_ts=at.thread if begun else None,
                text=rendered.text,
                blocks=rendered.blocks,
                parse="none",
            )

        with self._pace.posting(at):
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
