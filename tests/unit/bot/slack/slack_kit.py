"""Slack's side of a unit test: signed requests, and the app with everything behind it but Slack itself."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import select

from answerloop.db.repositories import answers
from answerloop.db.session import Database
from answerloop.db.tables import DeliveryRow, FeedbackRow, NoticeRow, QuestionRow
from answerloop.domain import RoomSettings
from answerloop.heartbeat import Heartbeat
from answerloop.home import Home
from answerloop.slack.address import room_id
from answerloop.testing.fake_chat import FakeChat
from answerloop.testing.fakes import FakeDirectory, FakeRedactor, FakeTaskQueue
from bot.feedback import FeedbackBox
from bot.hearing import Hearing
from bot.intake import Intake
from bot.people import AnswerActions
from bot.rooms import Rooms
from bot.slack.actions import Actions
from bot.slack.app import SlackApp
from bot.slack.escalation import Escalation
from bot.slack.messages import Messages
from tests.unit.workers.answering.desk_kit import ScriptedPipeline, says
from workers.answering.deliver import DeliveryDesk
from workers.answering.desk import AnswerDesk

SECRET = "a-secret-of-slack"
RESPONSE_URL = "https://hooks.slack.com/actions/1"
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


def click(
    action: str, value: str, user: str = ALICE, channel: str = CHANNEL, *, team: str = TEAM, alone: bool = False
) -> dict[str, Any]:
    """`alone`: on a message that only its reader sees."""
    return {
        "type": "block_actions",
        "team": {"id": team},
        "user": {"id": user},
        "channel": {"id": channel},
        "container": {
            "type": "message",
            "message_ts": "1700.0002",
            "channel_id": channel,
            "is_ephemeral": alone,
        },
        "message": {"ts": "1700.0002", "thread_ts": "1700.0001"},
        "trigger_id": "trigger-1",
        "response_url": RESPONSE_URL,
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": "1"}],
    }


def shortcut(callback: str, text: str, user: str = ALICE, channel: str = CHANNEL, **message: Any) -> dict[str, Any]:
    return {
        "type": "message_action",
        "callback_id": callback,
        "team": {"id": TEAM},
        "user": {"id": user},
        "channel": {"id": channel},
        "message": {"type": "message", "ts": "1700.0009", "text": text, "user": ALICE, **message},
        "trigger_id": "trigger-2",
        "response_url": RESPONSE_URL,
    }


def submitted(callback: str, metadata: str, values: Any, user: str = ALICE, team: str = TEAM) -> dict[str, Any]:
    view = {"callback_id": callback, "private_metadata": metadata, "state": {"values": values}, "type": "modal"}
    return {"type": "view_submission", "team": {"id": team}, "user": {"id": user}, "view": view}


def reaction(
    name: str, message: str, user: str = ALICE, channel: str = CHANNEL, *, given: bool = True
) -> dict[str, Any]:
    kind = "reaction_added" if given else "reaction_removed"
    item = {"type": "message", "channel": channel, "ts": message}
    return event("Ev-reaction", type=kind, user=user, reaction=name, item=item)


class SlackKit:
    """The app on a real database, with a queue that remembers, and a chat that shows what becomes of it."""

    def __init__(
        self,
        database: Database,
        api_url: str = "http://127.0.0.1:1/api/",
        admins: frozenset[str] = frozenset(),
        helpers: tuple[str, ...] = ("UHELP",),
        bot_user: str | None = BOT,
    ) -> None:
        """`bot_user` is what we know of ourselves without being told by an event."""
        self.now = 0.0
        self.database = database
        self.queue = FakeTaskQueue()
        self.intake = Intake(database, self.queue, 200, 20)
        self.rooms = Rooms(database, clock=iter(range(0, 10**9, 1000)).__next__)
        self.feedback = FeedbackBox(database)
        self.people = AnswerActions(database, self.queue, self.intake, Escalation(self.rooms, helpers, ""))
        self.messages = Messages(Hearing(self.intake, self.rooms, self.people, "default"), self.intake, self.rooms)
        self.forgotten: list[tuple[str, datetime]] = []
        self.actions = Actions(self.feedback, self.people, self.messages)
        self.directory = FakeDirectory({f"slack:{TEAM}:{ALICE}": frozenset({"everyone", "public"})})
        self.chat = FakeChat("slack")
        home = Home(database, self.directory, "default")
        self.delivery = DeliveryDesk(database, self.queue, [self.chat], self.directory, timedelta(0), home.facts)
        self.app = SlackApp(
            lambda enterprise_id, team_id: AuthorizeResult(
                enterprise_id=enterprise_id, team_id=team_id, bot_user_id=bot_user, bot_token="xoxb-1"
            ),
            api_url,
            self.messages,
            self.actions,
            self.rooms,
            home,
            admins,
            lambda workspace, at: self.forgotten.append((workspace, at)),
            lambda: self.now,
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

    def answer(self, text: str = "90 days [1]") -> str:
        """To the last question, shown where it belongs; the id of the answer."""
        question = self.questions()[-1].id
        pipeline = ScriptedPipeline(says(text))
        desk = AnswerDesk(
            self.database,
            self.queue,
            pipeline,  # type: ignore[arg-type]
            self.directory,
            Heartbeat(self.database, "test", 60),
            timedelta(seconds=15),
            3,
            FakeRedactor(),
        )
        desk.answer(question)
        [self.asked] = pipeline.asked
        self.run_jobs()
        return self.view(question).answer_id

    def run_jobs(self) -> None:
        doors = {
            "deliver.answer": self.delivery.deliver,
            "deliver.progress": self.delivery.progress,
            "deliver.withdraw": self.delivery.withdraw,
            "deliver.notice": self.delivery.notify,
        }
        while self.queue.jobs:
            job = self.queue.jobs.pop(0)
            if job.task in doors:
                doors[job.task](job.args[0])

    def view(self, question_id: str) -> answers.AnswerView:
        with self.database.reading() as session:
            found = answers.view(session, question_id)
        assert found is not None
        return found

    def opinions(self) -> dict[str, tuple[str | None, str | None, str | None]]:
        """Thumb, reason and better answer by user."""
        with self.database.reading() as session:
            rows = session.scalars(select(FeedbackRow))
            return {row.person.removeprefix(f"slack:{TEAM}:"): (row.thumb, row.reason, row.correction) for row in rows}

    def told(self) -> list[str]:
        """The words of whatever was shown beside the answers."""
        return [notice.text or notice.kind.value for notice in self.chat.notices]

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
