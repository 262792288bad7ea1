"""Nothing lost, nothing twice: claims, leases, retries and deliveries, without a broker."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from answerloop.db.repositories import posts, questions
from answerloop.db.session import Database
from answerloop.db.tables import DeliveryRow, QuestionRow, now
from answerloop.domain import (
    AnswerDraft,
    Outcome,
    Stage,
)
from answerloop.errors import (
    DeliveryImpossible,
    DeliveryUnavailable,
    DirectoryUnavailable,
    IndexMismatch,
    IndexUnavailable,
)
from tests.unit.workers.answering.desk_kit import LEASE, Scene, ScriptedPipeline, a_draft, fails, says
from workers.answering.desk import MAX_ATTEMPTS
from workers.answering.pipeline import Asked, Show


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


def test_who_asks_in_a_room_reads_along_even_where_its_members_do_not_name_them(stage):
    stage.room, stage.directory.rooms["room"] = "room", ["ed"]
    stage.directory.groups |= {"ed": frozenset({"everyone", "finance"})}
    pipeline = ScriptedPipeline(says("x"))
    stage.desk(pipeline).answer(stage.ask())
    assert pipeline.asked[0].audience.members == {frozenset({"everyone", "hr"}), frozenset({"everyone", "finance"})}


def test_a_room_without_members_reads_nothing_whoever_asks_there(stage):
    stage.room = "room"
    pipeline = ScriptedPipeline(says("x"))
    stage.desk(pipeline).answer(stage.ask())
    assert pipeline.asked[0].audience.members == frozenset()


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
    stage.recovery.recover()
    assert stage.jobs("answer.question") == 2
    desk.answer(question)
    assert stage.view(question).outcome is Outcome.ANSWERED


def test_a_worker_that_comes_back_too_late_writes_nothing(stage):
    question = stage.ask()
    other = stage.desk(ScriptedPipeline(says("from the second worker")))

    def slow(asked: Asked, show: Show) -> AnswerDraft:
        stage.pass_time(LEASE + timedelta(seconds=1))
        stage.recovery.recover()
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
    stage.recovery.recover()
    desk.answer(question)
    assert stage.view(question).text == "90 days [1]"


def test_a_fault_that_stays_ends_in_an_apology_with_a_reference(stage):
    question = stage.ask()
    desk = stage.desk(ScriptedPipeline(fails(IndexUnavailable("gone"))))
    for _ in range(MAX_ATTEMPTS + 1):
        desk.answer(question)
        stage.pass_time(timedelta(minutes=2))
        stage.recovery.recover()
    view = stage.view(question)
    assert view.outcome is Outcome.FAILED
    assert question[:8] in view.text
    assert "gone" not in view.text


def silent(stage: Scene, monkeypatch: pytest.MonkeyPatch, seconds: float | None) -> None:
    def unavailable(person):
        raise DirectoryUnavailable("Slack asks us to wait.", seconds)

    monkeypatch.setattr(stage.directory, "person", unavailable)


def test_a_directory_is_waited_for_as_long_as_it_says(stage, monkeypatch):
    question = stage.ask()
    stage.queue.jobs.clear()
    desk = stage.desk(ScriptedPipeline(says("90 days [1]")))
    with monkeypatch.context() as meanwhile:
        silent(stage, meanwhile, 90)
        desk.answer(question)
    stage.pass_time(timedelta(seconds=89))
    stage.recovery.recover()
    assert stage.jobs("answer.question") == 0
    stage.pass_time(timedelta(seconds=1))
    stage.recovery.recover()
    assert stage.jobs("answer.question") == 1
    desk.answer(question)
    assert stage.view(question).text == "90 days [1]"


def test_waiting_for_a_directory_is_no_attempt_and_ends_some_day(stage, monkeypatch):
    question = stage.ask()
    desk = stage.desk(ScriptedPipeline(says("90 days [1]")))
    silent(stage, monkeypatch, None)
    for _ in range(11):
        desk.answer(question)
        stage.pass_time(timedelta(minutes=5))
        stage.recovery.recover()
    assert stage.view(question).outcome is None
    for _ in range(MAX_ATTEMPTS + 2):
        desk.answer(question)
        stage.pass_time(timedelta(minutes=5))
        stage.recovery.recover()
    assert stage.view(question).outcome is Outcome.FAILED


def test_workers_that_are_behind_try_no_question_more_often_the_longer_it_lasts(stage):
    question = stage.ask()
    desk = stage.desk(ScriptedPipeline(fails(IndexUnavailable("gone"))))
    stage.queue.jobs.clear()
    desk.answer(question)
    for _ in range(50):
        stage.pass_time(timedelta(seconds=3))
        stage.recovery.recover()
    assert stage.jobs("answer.question") == 3, "one that is due, and one a minute since it might have got lost"
    for _ in range(stage.jobs("answer.question")):
        desk.answer(question)
    stage.queue.jobs.clear()
    stage.pass_time(timedelta(seconds=21))
    stage.recovery.recover()
    assert stage.jobs("answer.question") == 1


def test_a_bug_ends_in_an_apology_and_not_in_a_trace(stage):
    question = stage.ask()
    stage.desk(ScriptedPipeline(fails(ZeroDivisionError("secret detail")))).answer(question)
    view = stage.view(question)
    assert view.outcome is Outcome.FAILED
    assert "secret" not in view.text


def test_a_question_from_where_we_were_removed_is_not_asked_again_and_again(stage, monkeypatch):
    question = stage.ask()

    def uninstalled(person):
        raise DeliveryImpossible("Slack says token_revoked")

    monkeypatch.setattr(stage.directory, "person", uninstalled)
    stage.desk(ScriptedPipeline(says("x"))).answer(question)
    view = stage.view(question)
    assert (view.outcome, view.reason) == (Outcome.FAILED, "Slack says token_revoked")
    assert "token_revoked" not in view.text
    assert stage.outbox() == []


def test_a_platform_that_is_busy_gets_the_answer_later_and_once(stage):
    question = stage.ask()
    stage.chat.failures = [DeliveryUnavailable("busy"), DeliveryUnavailable("busy")]
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    for _ in range(4):
        stage.delivery.deliver(question)
    assert list(stage.chat.shown) == [question]
    assert stage.chat.calls == 3


def test_what_always_fails_is_tried_less_and_less_often_and_never_given_up(stage):
    question = stage.answered()
    stage.chat.failures = [DeliveryUnavailable("broken") for _ in range(40)]
    waits = []
    for _ in range(12):
        stage.delivery.deliver(question)
        with stage.database.reading() as session:
            due_at = session.get_one(DeliveryRow, question).due_at
        waits.append(round((due_at - now()).total_seconds()))
    assert waits == [5, 5, 5, 5, 10, 20, 40, 80, 80, 80, 80, 80]


def test_a_lost_delivery_job_is_written_again(stage):
    question = stage.ask()
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    assert stage.jobs("deliver.answer") == 1  # the worker that took it was killed
    stage.pass_time(posts.DONE_WITHIN + timedelta(seconds=1))
    stage.recovery.recover()
    assert stage.jobs("deliver.answer") == 2
    stage.delivery.deliver(question)
    stage.pass_time(posts.DONE_WITHIN + timedelta(seconds=1))
    stage.recovery.recover()
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
