"""What each chat platform sends for a question. A new one has its line in `CHANNELS`."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from slack_sdk.signature import SignatureVerifier

from answerloop.slack.address import person_id
from answerloop.testing.slack_server import SlackServer
from answerloop.testing.slack_workspace import BOT_USER, TEAM, Channel

EVERY, PAIRED, REPLAYED = 40, 0, 21  # of forty questions one arrives as a pair of events and one is delivered again
QUESTIONS = (
    "How many days of parental leave do I get?",
    "What do I do when the VPN does not connect?",
    "Who approves a purchase of EUR 5,000?",
    "How much may a hotel cost when I travel to Berlin for two nights?",
    "how long can i be ill before i need a doctor's note",
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request, due `after` seconds after the question was asked; `retry` counts what the platform tried before."""

    body: bytes
    after: float = 0.0
    retry: int = 0


class Asking(Protocol):
    """A platform's side of the question of a given number. Every question has its own asker, and is so recognised."""

    path: str

    def deliveries(self, number: int) -> list[Delivery]: ...

    def headers(self, body: bytes, retry: int) -> Mapping[str, str]:
        """With a signature of this moment."""

    def asker(self, number: int) -> str: ...


class Platform(Protocol):
    """Stands in for the platform that answers go to."""

    @property
    def settings(self) -> Mapping[str, str]: ...

    def messages(self) -> Counter[str]:
        """How many messages of ours stand below each question."""


class SlackAsking:
    """Half of the questions are mentions in one of fifty channels, half are direct messages."""

    path = "/slack/events"
    secret = "signed-by-the-benchmark"  # noqa: S105 - proves nothing to anybody else

    def deliveries(self, number: int) -> list[Delivery]:
        """One question in twenty comes twice: as `message` and `app_mention` at the same moment, as Slack does where
        both are subscribed to, or once more a second later, as if its acknowledgement had been lost."""
        first = Delivery(self._event(number, "message" if number % 2 else "app_mention"))
        if number % EVERY == PAIRED:
            return [first, Delivery(self._event(number, "message", twin=True))]
        if number % EVERY == REPLAYED:
            return [first, Delivery(first.body, after=1.0, retry=1)]
        return [first]

    def headers(self, body: bytes, retry: int) -> Mapping[str, str]:
        at = str(int(time.time()))
        signature = SignatureVerifier(self.secret).generate_signature(timestamp=at, body=body)
        again = {"x-slack-retry-num": str(retry), "x-slack-retry-reason": "http_timeout"} if retry else {}
        return {
            "content-type": "application/json",
            "x-slack-request-timestamp": at,
            "x-slack-signature": str(signature),
            **again,
        }

    def asker(self, number: int) -> str:
        return person_id(TEAM, _user(number))

    def _event(self, number: int, kind: str, *, twin: bool = False) -> bytes:
        direct = bool(number % 2)
        text = QUESTIONS[number % len(QUESTIONS)]
        event = {
            "type": kind,
            "channel": _channel(number),
            "channel_type": "im" if direct else "channel",
            "user": _user(number),
            "team": TEAM,
            "text": text if direct else f"<@{BOT_USER}> {text}",
            "ts": f"{1_800_000_000 + number}.000200",
            "client_msg_id": f"00000000-0000-4000-8000-{number:012d}",
            "blocks": [{"type": "rich_text", "block_id": "b", "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
            ]}],
        }  # fmt: skip
        return json.dumps(
            {
                "token": "unused",
                "type": "event_callback",
                "team_id": TEAM,
                "api_app_id": "A01",
                "event_id": f"Ev{number:08d}{'T' if twin else ''}",
                "event_time": int(time.time()),
                "event_context": "4-none",
                "event": event,
                "authorizations": [{"enterprise_id": None, "team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            }
        ).encode()


class SlackPlatform:
    """Slack's own limits are lifted: 6,000 answers at 50 changes a minute would take two hours."""

    def __init__(self, server: SlackServer, questions: int) -> None:
        self._workspace = server.workspace
        for number in range(questions):
            self._workspace.users[_user(number)] = _record(number)
            channel = self._workspace.channels.setdefault(_channel(number), _empty(direct=bool(number % 2)))
            channel.members.append(_user(number))
        self.settings = {
            "slack": "http",
            "slack_bot_token": "xoxb-benchmark",
            "slack_signing_secret": SlackAsking.secret,
            "slack_api_url": server.url,
            "slack_messages_per_second": "1000",
            "slack_updates_per_minute": "100000",
        }

    def messages(self) -> Counter[str]:
        return Counter(
            f"{name}:{message['thread_ts']}"
            for name, channel in self._workspace.channels.items()
            for message in channel.messages
        )


@contextmanager
def slack(questions: int) -> Iterator[Platform]:
    with SlackServer() as server:
        yield SlackPlatform(server, questions)


def _user(number: int) -> str:
    return f"U{number:06d}"


def _channel(number: int) -> str:
    return f"D{number:06d}" if number % 2 else f"C{number % 100:06d}"


def _record(number: int) -> dict[str, Any]:
    return {"id": _user(number), "team_id": TEAM, "real_name": f"Asker {number}", "profile": {}}


def _empty(*, direct: bool) -> Channel:
    return Channel([], {"is_im": True} if direct else {"is_channel": True})
