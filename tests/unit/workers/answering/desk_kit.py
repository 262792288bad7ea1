"""Everything around a desk, without a broker or a model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from answerloop.db.repositories import answers, posts
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, DeliveryRow, NoticeRow, OutboxRow, QuestionRow
from answerloop.domain import (
    BASE_ADAPTER,
    Action,
    AnswerDraft,
    CitedSource,
    Confidence,
    Decision,
    HomeFacts,
    InboundQuestion,
    Outcome,
    Usage,
)
from answerloop.heartbeat import Heartbeat
from answerloop.home import Home
from answerloop.ports import ChatDelivery, Embedder, Redactor
from answerloop.testing.fake_chat import FakeChat
from answerloop.testing.fakes import FakeDirectory, FakeRedactor, FakeTaskQueue
from bot.intake import Intake
from bot.people import AnswerActions, Call
from workers.answering.deliver import DeliveryDesk
from workers.answering.desk import AnswerDesk
from workers.answering.pipeline import Asked, Show
from workers.answering.recover import Recovery

LEASE = timedelta(seconds=15)


def a_draft(text: str = "90 days [1]", sources: tuple[CitedSource, ...] = ()) -> AnswerDraft:
    return AnswerDraft(
        text,
        Outcome.ANSWERED,
        Confidence.SURE,
        sources,
        "fake",
        Usage(BASE_ADAPTER, 1, 1),
        "v1",
        {"total": 1.0},
        {},
        "",
        Decision(Action.QUOTED, "evidence"),
    )


class ScriptedPipeline:
    """Does the next step of its script for each question; the last one again and again."""

    def __init__(self, *script: Callable[[Asked, Show], AnswerDraft]) -> None:
        self.script = list(script)
        self.asked: list[Asked] = []

    def answer(self, asked: Asked, show: Show) -> AnswerDraft:
        self.asked.append(asked)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return step(asked, show)


def says(text: str):
    return lambda asked, show: a_draft(text)


def fails(error: Exception):
    def step(asked: Asked, show: Show) -> AnswerDraft:
        raise error

    return step


class Scene:
    """`chat` is where Dana asks; `address` is given for a chat in which somebody must be told that we are at work.
    Others read along where there is a `room`."""

    asker = "dana"
    room: str | None = None
    embedder: Embedder | None = None

    def __init__(
        self, database: Database, chat: ChatDelivery | None = None, address: dict[str, Any] | None = None
    ) -> None:
        self.database = database
        self.queue = FakeTaskQueue()
        self.intake = Intake(database, self.queue, 1000, 100)
        self.chat: Any = chat or FakeChat()
        self.address = address or {}
        self._numbers = itertools.count()
        self.directory = FakeDirectory({self.asker: frozenset({"everyone", "hr"})})
        self.delivery = DeliveryDesk(
            database, self.queue, [self.chat], self.directory, timedelta(hours=4), self._home_of
        )
        self.recovery = Recovery(database, self.queue)

    def _home_of(self, channel: str, person_id: str) -> HomeFacts:
        return Home(self.database, self.directory, "default").facts(channel, person_id)

    def ask(self, text: str = "How many days?", key: str = "k1") -> str:
        inbound = InboundQuestion(self.chat.channel, "default", self.asker, "t1", text, (key,), self.address, self.room)
        return self.intake.accept(inbound).question_id

    def answered(self, text: str = "90 days [1]", sources: Sequence[CitedSource] = (), hint: str = "") -> str:
        """A question whose answer is ready to be delivered."""
        question = self.ask(key=f"key-{next(self._numbers)}")
        draft = replace(a_draft(text, tuple(sources)), hint=hint)
        self.desk(ScriptedPipeline(lambda asked, show: draft)).answer(question)
        return question

    def actions(self, *calls: Call) -> AnswerActions:
        """`calls` for help are made when somebody asks for a human."""
        return AnswerActions(self.database, self.queue, self.intake, lambda room, address: calls)

    def run_jobs(self) -> None:
        """Everything that was sent, and what that sends, but no answering."""
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

    def desk(self, pipeline: ScriptedPipeline, redactor: Redactor | None = None) -> AnswerDesk:
        heartbeat = Heartbeat(self.database, "test", 60)
        return AnswerDesk(
            self.database,
            self.queue,
            pipeline,  # type: ignore[arg-type]
            self.directory,
            heartbeat,
            LEASE,
            3,
            redactor or FakeRedactor(),
            self.embedder,
        )

    def masked(self) -> tuple[str | None, str | None]:
        """What of the one question and its answer may leave the house."""
        with self.database.reading() as session:
            row = session.scalars(select(AnswerRow)).one()
        return row.masked_question, row.masked_text

    def view(self, question_id: str) -> answers.AnswerView:
        with self.database.reading() as session:
            found = answers.view(session, question_id)
        assert found is not None
        return found

    def pass_time(self, by: timedelta) -> None:
        with self.database.writing() as session:
            for question in session.scalars(select(QuestionRow)):
                question.lease_until = question.lease_until and question.lease_until - by
                question.created_at -= by
            for job in session.scalars(select(OutboxRow)):
                job.not_before -= by
            for table in (DeliveryRow, NoticeRow):
                for row in session.scalars(select(table)):
                    row.due_at = row.due_at and row.due_at - by
                    row.posting_at = row.posting_at and max(row.posting_at - by, posts.LONG_AGO)
            for notice in session.scalars(select(NoticeRow)):
                notice.created_at -= by

    def outbox(self) -> list[OutboxRow]:
        """Jobs that are to be sent later."""
        with self.database.reading() as session:
            return list(session.scalars(select(OutboxRow)))

    def jobs(self, task: str) -> int:
        return sum(job.task == task for job in self.queue.jobs)
