"""A whole installation beside a simulated workspace of Slack, over either transport."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from answerloop.db.repositories.answers import AnswerView
from answerloop.testing.installation import RunningInstallation, free_port, until
from tests.e2e.local_slack import ALICE, ASK_ANYTHING, BOB, SECRET, TEAM, LocalSlack, Message, elements
from tests.e2e.office import Office, Opinion

BLOCKS = {"http": "classic", "socket": "modern"}
"""Each transport has the other blocks, so that both are seen."""


class SlackOffice(Office):
    """The simulator has no limits, so ours are raised: what waits here waits for us."""

    def __init__(self, transport: str, folder: Path, documents: Path) -> None:
        self.transport = transport
        self._launched = False
        rooms = folder / "rooms.yaml"
        rooms.write_text(json.dumps({"rooms": {f"slack:{TEAM}:{ASK_ANYTHING}": {"respond": "all"}}}))
        installation = RunningInstallation(
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
        super().__init__(installation)
        self.slack = LocalSlack(folder / "slack", installation.url if transport == "http" else None)
        installation.environment["ANSWERLOOP_SLACK_API_URL"] = f"{self.slack.url}/api/"

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
        return self.opinions_of(_id(answer))

    def stored(self, answer: Message) -> AnswerView | None:
        return self.view(_id(answer))

    # --- what goes wrong

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
