"""Slack's side of a unit test: signed requests, and the app with everything behind it but Slack itself."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import select

from answerloop.db.session import Database
from answerloop.db.tables import DeliveryRow, NoticeRow, QuestionRow
from answerloop.domain import RoomSettings
from answerloop.slack.address import room_id
from answerloop.testing.fakes import FakeDirectory, FakeTaskQueue
from bot.feedback import FeedbackBox
from bot.home import Home
from bot.intake import Intake
from bot.people import AnswerActions
from bot.rooms import Rooms
from bot.slack.actions import Actions
from bot.slack.app import SlackApp
from bot.slack.escalation import Escalation
from bot.slack.messages import Messages

SECRET = "a-secret-of-slack"
TEAM, BOT, ALICE, BOB, CHANNEL, DIRECT = "T01", "UBOT", "UALICE", "UBOB", "C01", "D01"


def signed(body: str, secret: str = SECRET, timestamp: int | None = None) -> dict[str, str]:
    at = str(timestamp if timestamp is not None else int(time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    return {"x-slack-request-timestamp": at, "x-slack-signature": str(signature), "content-type": "application/json"}


def event(event_id: str = "Ev1", **fields: Any) -> dict[str, Any]:
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": event_id,
        "event_time": 1_700_000_000,
        "event": {"type": "message", "channel": CHANNEL, "user": ALICE, "ts": "1700.0001", **fields},
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }


def mention(text: str = f"<@{BOT}> How many days?", event_id: str = "Ev1", **fields: Any) -> dict[str, Any]:
    return event(event_id, **{"type": "app_mention", "text": text, **fields})


def direct(text: str = "How many days?", **fields: Any) -> dict[str, Any]:
    return event(text=text, channel=DIRECT, channel_type="im", **fields)


def click(action: str, value: str, user: str = ALICE, channel: str = CHANNEL) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": user},
        "channel": {"id": channel},
        "container": {"type": "message", "message_ts": "1700.0002", "channel_id": channel},
        "message": {"ts": "1700.0002", "thread_ts": "1700.0001"},
        "trigger_id": "trigger-1",
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": "1"}],
    }


class SlackKit:
    """The app on a real database, with a queue that remembers."""

    def __init__(self, database: Database, bot_user: str | None = BOT) -> None:
        """`bot_user` is what we know of ourselves without being told by an event."""
        self.database = database
        self.queue = FakeTaskQueue()
        self.intake = Intake(database, self.queue, 200, 20)
        self.rooms = Rooms(database, clock=iter(range(0, 10**9, 1000)).__next__)
        self.feedback = FeedbackBox(database)
        self.people = AnswerActions(database, self.queue, self.intake, Escalation(self.rooms, ("UHELP",), ""))
        self.messages = Messages(self.intake, self.rooms, self.people, "default")
        self.forgotten: list[tuple[str, datetime]] = []
        directory = FakeDirectory({f"slack:{TEAM}:{ALICE}": frozenset({"everyone", "public"})})
        self.app = SlackApp(
            lambda enterprise_id, team_id: AuthorizeResult(
                enterprise_id=enterprise_id, team_id=team_id, bot_user_id=bot_user, bot_token="xoxb-1"
            ),
            "http://127.0.0.1:1/api/",
            self.messages,
            Actions(self.feedback, self.people, self.messages),
            self.rooms,
            Home(database, directory, "default"),
            frozenset(),
            lambda workspace, at: self.forgotten.append((workspace, at)),
        )

    def send(self, payload: dict[str, Any]) -> BoltResponse:
        body = json.dumps(payload)
        if payload["type"] != "event_callback":
            body = urlencode({"payload": body})
        return self.app.bolt.dispatch(BoltRequest(body=body, headers={}))

    def ask(self, text: str = "How many days?", trigger: str = "t1", user: str = ALICE) -> BoltResponse:
        fields = {"command": "/ask", "team_id": TEAM, "channel_id": CHANNEL, "user_id": user, "text": text,
                  "trigger_id": trigger, "response_url": "https://hooks.slack.com/commands/1"}  # fmt: skip
        return self.app.bolt.dispatch(BoltRequest(body=urlencode(fields), headers={}))

    def settings(self, channel: str = CHANNEL, **changes: Any) -> None:
        self.rooms.change(room_id(TEAM, channel), RoomSettings(**changes), "test")

    def questions(self) -> list[QuestionRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(QuestionRow).order_by(QuestionRow.created_at)))

    def address(self) -> dict[str, Any]:
        with self.database.reading() as session:
            return session.scalars(select(DeliveryRow)).one().address

    def notices(self) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            return [(row.kind, row.text) for row in session.scalars(select(NoticeRow).order_by(NoticeRow.created_at))]
