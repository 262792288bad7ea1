"""Teams' side of a unit test: activities as it sends them, and the app with everything behind it but Teams itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, DeliveryRow, FeedbackRow, NoticeRow, PlaceRow, QuestionRow, now
from answerloop.domain import RoomSettings
from answerloop.home import Home
from answerloop.teams.address import room_id
from answerloop.testing.fakes import FakeDirectory, FakeTaskQueue
from bot.feedback import PER_PERSON, FeedbackBox
from bot.hearing import Hearing
from bot.intake import Intake
from bot.people import AnswerActions
from bot.rooms import Rooms
from bot.teams.actions import Actions
from bot.teams.app import TeamsApp
from bot.teams.escalation import Escalation
from bot.teams.messages import Messages
from bot.teams.places import Places
from bot.teams.reply import Reply

TENANT, BOT, SERVICE = "t-01", "28:bot", "https://smba.trafficmanager.net/emea/"
ALICE, BOB, ADA = "oid-alice", "oid-bob", "oid-ada"
PERSONAL, GROUP, CHANNEL = "a:alice", "19:group@thread.v2", "19:general@thread.tacv2"
THREAD = f"{CHANNEL};messageid=1700"
KINDS = {PERSONAL: "personal", GROUP: "groupChat", CHANNEL: "channel", THREAD: "channel"}
_numbers = itertools.count(1)


def activity(kind: str, conversation: str = PERSONAL, user: str = ALICE, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "id": f"m{next(_numbers)}",
        "timestamp": "2026-11-25T10:00:00.000Z",
        "serviceUrl": SERVICE,
        "channelId": "msteams",
        "from": {"id": f"29:{user}", "name": user.removeprefix("oid-").title(), "aadObjectId": user},
        "recipient": {"id": BOT, "name": "Answerloop"},
        "conversation": {"id": conversation, "conversationType": KINDS[conversation], "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}},
        **fields,
    }


def message(text: str = "How many days?", conversation: str = PERSONAL, **fields: Any) -> dict[str, Any]:
    return activity("message", conversation, text=text, **fields)


def mention(text: str = "How many days?", conversation: str = THREAD, **fields: Any) -> dict[str, Any]:
    at = "<at>Answerloop</at>"
    entities = [{"type": "mention", "text": at, "mentioned": {"id": BOT, "name": "Answerloop"}}]
    return message(f"{at} {text}", conversation, entities=entities, **fields)


def click(verb: str, data: dict[str, Any], conversation: str = PERSONAL, **fields: Any) -> dict[str, Any]:
    value = {"action": {"type": "Action.Execute", "verb": verb, "data": data}}
    return activity("invoke", conversation, name="adaptiveCard/action", value=value, **fields)


def chosen(command: str, text: str, conversation: str = THREAD, **fields: Any) -> dict[str, Any]:
    payload = {"id": "m-theirs", "body": {"contentType": "html", "content": f"<div>{text}</div>"}}
    value = {"commandId": command, "messagePayload": payload}
    return activity("invoke", conversation, name="composeExtension/fetchTask", value=value, **fields)


class TeamsKit:
    def __init__(
        self,
        database: Database,
        *,
        admins: Sequence[str] = (),
        people: Sequence[str] = (),
        channel: str = "",
        ratings_a_day: int = PER_PERSON,
    ) -> None:
        self.database = database
        self.queue = FakeTaskQueue()
        self.rooms = Rooms(database, clock=lambda: float(next(_numbers)) * 10)
        self.places = Places(database)
        intake = Intake(database, self.queue, 1000, 5)
        actions = AnswerActions(database, self.queue, intake, Escalation(self.rooms, self.places, people, channel))
        hearing = Hearing(intake, self.rooms, actions, "default")
        messages = Messages(hearing, intake, actions, self.places, self.rooms)
        self.app = TeamsApp(
            messages,
            Actions(FeedbackBox(database, ratings_a_day), actions, messages),
            self.rooms,
            self.places,
            Home(database, FakeDirectory({}), "default"),
            frozenset(admins),
        )

    def settle(self, conversation: str, **settings: Any) -> None:
        self.rooms.change(room_id(TENANT, conversation), RoomSettings(**settings), "test")

    def told(self, activity: dict[str, Any]) -> str:
        """What whoever clicked is told."""
        reply = self.app(activity)
        assert isinstance(reply, Reply)
        return str(reply.body.get("value") or reply.body["task"]["value"])

    def rows(self, table: type) -> list[Any]:
        with self.database.reading() as session:
            found = list(session.scalars(select(table)))
            session.expunge_all()
        return found

    @property
    def questions(self) -> list[QuestionRow]:
        return self.rows(QuestionRow)

    @property
    def addresses(self) -> list[dict[str, Any]]:
        return [row.address for row in self.rows(DeliveryRow)]

    @property
    def notices(self) -> list[tuple[str, str]]:
        return [(row.kind, row.text) for row in self.rows(NoticeRow)]

    @property
    def feedback(self) -> list[tuple[str, str | None, str | None, str | None]]:
        return [(row.person, row.thumb, row.reason, row.correction) for row in self.rows(FeedbackRow)]

    @property
    def known(self) -> dict[str, PlaceRow]:
        return {row.id: row for row in self.rows(PlaceRow)}

    def answered(self, number: int = -1, text: str = "Leave is 90 days.") -> str:
        """The id of the answer to that question, which is now finished and shown as message `shown`."""
        with self.database.writing() as session:
            question = session.scalars(select(QuestionRow).order_by(QuestionRow.created_at)).all()[number]
            answer = session.scalars(select(AnswerRow).where(AnswerRow.question_id == question.id)).one()
            question.state, answer.stage, answer.outcome, answer.text = "answered", "done", "answered", text
            answer.confidence, answer.finished_at = "sure", now()
            answer.decision = {"action": "answered", "rule": "test", "notes": []}
            session.get_one(DeliveryRow, question.id).message_id = "shown"
            return answer.id
