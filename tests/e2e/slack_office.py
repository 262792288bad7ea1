"""A whole installation beside a simulated workspace of Slack, over either transport."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier
from sqlalchemy import select

from answerloop.db.repositories import answers
from answerloop.db.repositories.answers import AnswerView
from answerloop.db.tables import FeedbackRow
from answerloop.testing.installation import RunningInstallation, free_port, until
from tests.e2e.local_slack import ALICE, ASK_ANYTHING, BOB, SECRET, TEAM, LocalSlack, Message, elements

BLOCKS = {"http": "classic", "socket": "modern"}
"""Each transport has the other blocks, so that both are seen."""
Opinion = tuple[str | None, str | None, str | None]


class SlackOffice:
    """The simulator has no limits, so ours are raised: what waits here waits for us."""

    def __init__(self, transport: str, folder: Path, documents: Path) -> None:
        self.transport = transport
        self._launched = False
        rooms = folder / "rooms.yaml"
        rooms.write_text(json.dumps({"rooms": {f"slack:{TEAM}:{ASK_ANYTHING}": {"respond": "all"}}}))
        self.installation = RunningInstallation(
            folder / "state",
            documents,
            slack=transport,
            slack_bot_token="xoxb-test-token",
            slack_app_token="xapp-test-token",
            slack_signing_secret=SECRET,
            slack_blocks=BLOCKS[transport],
            slack_admins=ALICE,
            slack_escalation=BOB,
            slack_messages_per_second="1000",
            slack_updates_per_minute="60000",
            rooms_file=str(rooms),
        )
        self.slack = LocalSlack(folder / "slack", self.installation.url if transport == "http" else None)
        self.installation.environment["ANSWERLOOP_SLACK_API_URL"] = f"{self.slack.url}/api/"

    def start(self) -> None:
        self.slack.start()
        self._launched = True
        self.installation.start()

    def stop(self) -> None:
        """Also what did not start well."""
        if self._launched:
            self.installation.stop()
        self.installation.database.dispose()
        self.slack.stop()

    def opinions(self, answer: Message) -> dict[str, Opinion]:
        """Thumb, reason and better answer of each person."""
        with self.installation.database.reading() as session:
            rows = session.scalars(select(FeedbackRow).where(FeedbackRow.answer_id == _id(answer))).all()
            return {row.person.rpartition(":")[2]: (row.thumb, row.reason, row.correction) for row in rows}

    def stored(self, answer: Message) -> AnswerView | None:
        with self.installation.database.reading() as session:
            return answers.view_of_answer(session, _id(answer))

    def come_to_rest(self) -> None:
        """Whatever was under way is shown, and what should not have been had its second."""
        until(lambda: not self.installation.undelivered(), 120)
        time.sleep(1.0)

    # --- what goes wrong

    @contextmanager
    def answers_on_hold(self) -> Iterator[None]:
        """Nobody answers, as if everybody had asked at once; all else goes on."""
        worker = self.installation.pid_of("worker-answer")
        until(lambda: self._froze(worker))
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def _froze(self, worker: int) -> bool:
        """Not in the midst of a transaction, which would hold up everybody."""
        os.kill(worker, signal.SIGSTOP)
        with closing(sqlite3.connect(self.installation.home / "answerloop.db", timeout=0.5)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                os.kill(worker, signal.SIGCONT)
                return False
        return True

    @contextmanager
    def another_bot(self) -> Iterator[None]:
        """A second process of the bot, with a connection of its own."""
        connections = self.slack.connections()
        with (self.installation.home / "logs" / "another-bot.log").open("ab") as output:
            bot = subprocess.Popen(
                [sys.executable, "-m", "bot"],
                env={**self.installation.environment, "ANSWERLOOP_PORT": str(free_port())},
                cwd=self.installation.home,
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: self.slack.connections() > connections)
            yield
        finally:
            bot.terminate()
            bot.wait(20)

    # --- what the simulator cannot do, and Slack does

    def send(self, payload: dict[str, Any]) -> int:
        """An event or an interaction, signed as Slack signs it; the status that Slack would be told."""
        body = json.dumps(payload)
        kind = "application/json"
        if payload["type"] != "event_callback":
            body, kind = urlencode({"payload": body}), "application/x-www-form-urlencoded"
        now = str(int(time.time()))
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=now, body=body)
        headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": str(signature), "Content-Type": kind}
        url = f"{self.installation.url}/slack/events"
        with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=30) as response:
            return int(response.status)


def _id(answer: Message) -> str:
    return str(elements(answer)["answer_retract"]["value"])
