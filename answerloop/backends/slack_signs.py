"""Signs that somebody is at work: a reaction, a line of status, a stream with the steps. Each may fail unnoticed."""

from __future__ import annotations

import logging
from contextlib import suppress

from slack_sdk import WebClient

from answerloop.backends.chat_pace import Pace
from answerloop.backends.slack_api import Gone, call
from answerloop.backends.slack_messages import STREAM, ts_of
from answerloop.domain import Escalation, Progress
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain
from answerloop.slack.address import Mode, SlackAddress
from answerloop.slack.progress import status, steps

log = logging.getLogger(__name__)

SEEN, HELP, DONE = "eyes", "sos", "white_check_mark"
MOST_REMEMBERED = 10_000
LACKING = frozenset({"unknown_method", "missing_scope", "not_allowed_token_type", "feature_not_enabled"})
"""What a workspace that does not know a method says to it, now and later."""


class Signs:
    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lacking: set[tuple[str, str]] = set()
        self._seen: set[tuple[str, str, str]] = set()

    # --- reactions to the question, and the line below it

    def arrived(self, slack: WebClient, at: SlackAddress, progress: Progress) -> None:
        if at.message and self._is_new(at.workspace, at.channel, at.message):
            self._react(slack, at, SEEN)
        if at.thread and at.mode is not Mode.EPHEMERAL:
            self._set_status(slack, at, status(progress, at.language))

    def answered(self, slack: WebClient, at: SlackAddress, escalation: Escalation | None) -> None:
        self._unreact(slack, at, SEEN)
        if escalation and escalation.resolved_by:
            self._unreact(slack, at, HELP)
            self._react(slack, at, DONE)
        elif escalation:
            self._react(slack, at, HELP)

    def gone(self, slack: WebClient, at: SlackAddress) -> None:
        for reaction in (SEEN, HELP, DONE):
            self._unreact(slack, at, reaction)

    def _is_new(self, workspace: str, channel: str, message: str) -> bool:
        """To this process, which forgets all of them when they are too many."""
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen.clear()
        question = (workspace, channel, message)
        known = question in self._seen
        self._seen.add(question)
        return not known

    def _set_status(self, slack: WebClient, at: SlackAddress, text: str) -> None:
        """Until the next message: Slack takes it away itself."""
        if self._lacks(at, "status"):
            return
        try:
            call(slack.assistant_threads_setStatus, channel_id=at.channel, thread_ts=at.thread, status=text)
        except Gone as error:
            self._learn(at, "status", error)
        except DeliveryUnavailable as error:
            log.debug("status not shown", extra={"error": str(error)})

    def _react(self, slack: WebClient, at: SlackAddress, name: str) -> None:
        if at.message:
            with suppress(DeliveryUnavailable, DeliveryImpossible):
                call(slack.reactions_add, channel=at.channel, timestamp=at.message, name=name)

    def _unreact(self, slack: WebClient, at: SlackAddress, name: str) -> None:
        if at.message:
            with suppress(DeliveryUnavailable, DeliveryImpossible):
                call(slack.reactions_remove, channel=at.channel, timestamp=at.message, name=name)

    # --- the steps of the work

    def start_stream(self, slack: WebClient, at: SlackAddress, progress: Progress) -> str | None:
        """The id of the message, or None where an ordinary one must do. Raises DeliveryUnavailable."""
        if at.thread is None or self._lacks(at, "stream"):
            return None
        recipient = {"recipient_team_id": at.workspace, "recipient_user_id": at.user} if at.mode is Mode.THREAD else {}
        try:
            with self._pace.posting(at.room_key):
                started = call(
                    slack.chat_startStream,
                    channel=at.channel,
                    thread_ts=at.thread,
                    task_display_mode="plan",
                    chunks=steps(progress, at.language),
                    **recipient,
                )
        except Gone as error:
            self._learn(at, "stream", error)
            return None
        return f"{STREAM}{started['ts']}"

    def append(self, slack: WebClient, at: SlackAddress, message_id: str, progress: Progress) -> bool:
        """False when the stream has ended."""
        try:
            with self._pace.updating(at.workspace, news=True):
                call(
                    slack.chat_appendStream,
                    channel=at.channel,
                    ts=ts_of(message_id),
                    chunks=steps(progress, at.language),
                )
        except DeliveryUncertain:
            return True  # steps have ids: the next ones say it again
        except Gone:
            return False
        return True

    def _lacks(self, at: SlackAddress, what: str) -> bool:
        return (at.workspace, what) in self._lacking

    def _learn(self, at: SlackAddress, what: str, error: Gone) -> None:
        if error.code in LACKING:
            self._lacking.add((at.workspace, what))
        log.info("not offered here", extra={"what": what, "workspace": at.workspace, "error": error.code})
