"""Nothing lost, nothing twice: claims, leases, retries and deliveries, without a broker."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from answerloop.db.repositories import answers, questions
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, DeliveryRow, OutboxRow, QuestionRow, now
from answerloop.domain import (
    BASE_ADAPTER,
    Action,
    AnswerDraft,
    CitedSource,
    Confidence,
    Decision,
    InboundQuestion,
    Outcome,
    Stage,
    Usage,
)
from answerloop.errors import IndexMismatch, IndexUnavailable
from answerloop.heartbeat import Heartbeat
from answerloop.ports import Redactor
from answerloop.testing.fakes import FakeChat, FakeDirectory, FakeRedactor, FakeTaskQueue
from bot.intake import Intake
from workers.answering.deliver import MAX_ATTEMPTS, AnswerDesk, DeliveryDesk
from workers.answering.pipeline import Asked, Show

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
    """Everything around a desk."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.queue = FakeTaskQueue()
        self.intake = Intake(database, self.queue, 1000)
        self.chat = FakeChat()
        self.delivery = DeliveryDesk(database, self.queue, [self.chat])

    def ask(self, text: str = "How many days?", key: str = "k1") -> str:
        return self.intake.accept(InboundQuestion("web", "default", "dana", "t1", text, (key,))).question_id

    def desk(self, pipeline: ScriptedPipeline, redactor: Redactor | None = None) -> AnswerDesk:
        directory = FakeDirectory({"dana": frozenset({"everyone", "hr"})})
        heartbeat = Heartbeat(self.database, "test", 60)
        return AnswerDesk(
            self.database,
            self.queue,
            pipeline,  # type: ignore[arg-type]
            directory,
            heartbeat,
            LEASE,
            3,
            redactor or FakeRedactor(),
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
            for row in session.scalars(select(QuestionRow)):
                row.lease_until = row.lease_until and row.lease_until - by
            for job in session.scalars(select(OutboxRow)):
                job.not_before -= by
            for delivery in session.scalars(select(DeliveryRow)):
                delivery.due_at = delivery.due_at and delivery.due_at - by

    def jobs(self, task: str) -> int:
        return sum(job.task == task for job in self.queue.jobs)


@pytest.fixture
def stage(database: Database) -> Scene:
    return Scene(database)


def test_an_answer_is_written_and_delivered_once(stage):
    question = stage.ask()
    desk = stage.desk(ScriptedPipeline(says("90 days [1]")))
    for _ in range(3):
        desk.answer(question)
    for _ in range(3):
        stage.delivery.deliver(question)
    assert stage.view(question).text == "90 days [1]"
    assert stage.view(question).stage is Stage.DONE
    assert stage.chat.calls == 1
    assert stage.jobs("deliver.answer") == 1


def test_the_asker_groups_are_read_when_the_answer_is_made(stage):
    pipeline = ScriptedPipeline(says("x"))
    stage.desk(pipeline).answer(stage.ask())
    assert pipeline.asked[0].audience.members == {frozenset({"everyone", "hr"})}


def test_a_follow_up_gets_the_answered_turns_of_its_conversation(stage):
    pipeline = ScriptedPipeline(says("90 days [1]"))
    desk = stage.desk(pipeline)
    desk.answer(stage.ask("How many days?", "k1"))
    desk.answer(stage.ask("And for contractors?", "k2"))
    assert [(turn.question, turn.answer) for turn in pipeline.asked[1].history] == [("How many days?", "90 days [1]")]


def test_a_worker_that_vanished_is_replaced_when_its_lease_ends(stage):
    question = stage.ask()
    with stage.database.writing() as session:
        assert questions.claim(session, question, LEASE) is not None  # and then kill -9
    desk = stage.desk(ScriptedPipeline(says("90 days [1]")))
    desk.answer(question)
    assert stage.view(question).outcome is None, "the lease still holds"
    stage.pass_time(LEASE + timedelta(seconds=1))
    stage.delivery.recover()
    assert stage.jobs("answer.question") == 2
    desk.answer(question)
    assert stage.view(question).outcome is Outcome.ANSWERED


def test_a_worker_that_comes_back_too_late_writes_nothing(stage):
    question = stage.ask()
    other = stage.desk(ScriptedPipeline(says("from the second worker")))

    def slow(asked: Asked, show: Show) -> AnswerDraft:
        stage.pass_time(LEASE + timedelta(seconds=1))
        stage.delivery.recover()
        other.answer(question)
        show(Stage.WRITING, "from the first worker")
        return a_draft("from the first worker")

    stage.desk(ScriptedPipeline(slow)).answer(question)
    assert stage.view(question).text == "from the second worker"
    assert stage.jobs("deliver.answer") == 1


@pytest.mark.parametrize("error", [IndexUnavailable("busy"), IndexMismatch("rebuilt")])
def test_a_passing_fault_is_tried_again_later(stage, error):
    question = stage.ask()
    desk = stage.desk(ScriptedPipeline(fails(error), says("90 days [1]")))
    desk.answer(question)
    assert stage.view(question).outcome is None
    stage.pass_time(timedelta(seconds=30))
    stage.delivery.recover()
    desk.answer(question)
    assert stage.view(question).text == "90 days [1]"


def test_a_fault_that_stays_ends_in_an_apology_with_a_reference(stage):
    question = stage.ask()
    desk = stage.desk(ScriptedPipeline(fails(IndexUnavailable("gone"))))
    for _ in range(MAX_ATTEMPTS + 1):
        desk.answer(question)
        stage.pass_time(timedelta(minutes=2))
        stage.delivery.recover()
    view = stage.view(question)
    assert view.outcome is Outcome.FAILED
    assert question[:8] in view.text
    assert "gone" not in view.text


def test_a_bug_ends_in_an_apology_and_not_in_a_trace(stage):
    question = stage.ask()
    stage.desk(ScriptedPipeline(fails(ZeroDivisionError("secret detail")))).answer(question)
    view = stage.view(question)
    assert view.outcome is Outcome.FAILED
    assert "secret" not in view.text


def test_a_platform_that_is_busy_gets_the_answer_later_and_once(stage):
    question = stage.ask()
    stage.chat.failures = 2
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    for _ in range(4):
        stage.delivery.deliver(question)
    assert list(stage.chat.shown) == [question]
    assert stage.chat.calls == 3


def test_a_lost_delivery_job_is_written_again(stage):
    question = stage.ask()
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    assert stage.jobs("deliver.answer") == 1  # the worker that took it was killed
    stage.pass_time(answers.DELIVERED_WITHIN + timedelta(seconds=1))
    stage.delivery.recover()
    assert stage.jobs("deliver.answer") == 2
    stage.delivery.deliver(question)
    stage.pass_time(answers.DELIVERED_WITHIN + timedelta(seconds=1))
    stage.delivery.recover()
    assert stage.jobs("deliver.answer") == 2


def test_progress_is_shown_with_growing_revisions(stage):
    question = stage.ask()
    seen: list[tuple[int, Stage, str]] = []

    def speaks(asked: Asked, show: Show) -> AnswerDraft:
        for step, text in ((Stage.SEARCHING, ""), (Stage.WRITING, "90 days [1]")):
            show(step, text)
            view = stage.view(question)
            seen.append((view.revision, view.stage, view.text))
        return a_draft("90 days [1]")

    stage.desk(ScriptedPipeline(speaks)).answer(question)
    assert seen == [(1, Stage.SEARCHING, ""), (2, Stage.WRITING, "90 days [1]")]
    assert stage.view(question).revision == 3


def test_the_oldest_open_question_is_known(stage, database):
    stage.ask()
    with database.writing() as session:
        session.scalars(select(QuestionRow)).one().created_at = now() - timedelta(seconds=42)
    with database.reading() as session:
        count, oldest = questions.open_count(session)
    assert count == 1
    assert oldest == pytest.approx(42, abs=2)
