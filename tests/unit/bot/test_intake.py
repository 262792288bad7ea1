from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import func, select

from answerloop.db import outbox
from answerloop.db.repositories import arrivals
from answerloop.db.session import Database, DuplicateKey
from answerloop.db.tables import OutboxRow, QuestionRow
from answerloop.domain import InboundQuestion
from answerloop.errors import InternalError, InvalidQuestion, TooManyQuestions
from answerloop.testing.fake_chat import FakeChat
from answerloop.testing.fakes import FakeTaskQueue
from bot.intake import WINDOW, Intake
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, a_draft, says
from workers.answering.desk import MAX_ATTEMPTS


def a_question(text: str = "How many days?", *keys: str) -> InboundQuestion:
    return InboundQuestion("web", "default", "dana", "thread-1", text, keys or ("web:1",))


@pytest.fixture
def queue() -> FakeTaskQueue:
    return FakeTaskQueue()


@pytest.fixture
def intake(database: Database, queue: FakeTaskQueue) -> Intake:
    return Intake(database, queue, max_characters=100, per_person=100)


def stored(database: Database, table: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_a_question_is_a_row_and_a_job(intake, queue, database):
    accepted = intake.accept(a_question())
    assert accepted.fresh
    assert [(job.task, job.queue, job.args) for job in queue.jobs] == [
        ("answer.question", "answer", (accepted.question_id,))
    ]
    assert stored(database, OutboxRow) == 0


def test_the_same_message_again_is_the_same_question(intake, queue, database):
    first = intake.accept(a_question("How many?", "event-1", "message-1"))
    again = intake.accept(a_question("How many?", "event-2", "message-1"))
    assert (again.question_id, again.fresh) == (first.question_id, False)
    assert len(queue.jobs) == 1
    assert stored(database, QuestionRow) == 1


def test_batches_that_begin_the_same_conversations_in_another_order_do_not_wait_for_each_other(database, queue):
    ready = Barrier(2, timeout=10)

    def store(numbers: range) -> bool:
        """As two processes do, each with a batch of its own."""
        batch = [replace(a_question(f"{n}?", f"key-{n}"), conversation_key=f"t-{n}", asker=f"{n}") for n in numbers]
        ready.wait()
        try:
            with database.writing(beside_others=True) as session:
                arrivals.record(session, batch)
        except DuplicateKey:  # it was slower, and tries again
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(store, (range(500), range(500)[::-1]))) == [False, True]
    assert stored(database, QuestionRow) == 500


def test_parallel_deliveries_of_one_message_are_one_question(intake, queue, database):
    with ThreadPoolExecutor(8) as pool:
        ids = {accepted.question_id for accepted in pool.map(intake.accept, [a_question()] * 16)}
    assert len(ids) == 1
    assert stored(database, QuestionRow) == 1
    assert len(queue.jobs) == 1


def test_what_arrives_together_is_stored_together_and_everybody_gets_their_own(intake, queue, database):
    people = [
        replace(a_question(f"Question {n}?", f"k{n}"), asker=f"p{n}", conversation_key=f"t{n}") for n in range(20)
    ]
    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(intake.accept, [*people, *people]))
    assert len({one.question_id for one in accepted}) == 20
    assert sum(one.fresh for one in accepted) == 20
    for first, again in zip(accepted[:20], accepted[20:], strict=True):
        assert (first.question_id, first.conversation_id) == (again.question_id, again.conversation_id)
    with database.reading() as session:
        rows = {row.id: row for row in session.scalars(select(QuestionRow))}
    for person, one in zip(people, accepted, strict=False):
        assert (rows[one.question_id].asker, rows[one.question_id].text) == (person.asker, person.text)
        assert rows[one.question_id].conversation_id == one.conversation_id
    assert sorted(job.args[0] for job in queue.jobs) == sorted(rows)


def test_parallel_questions_of_one_person_in_one_conversation_share_it_and_stop_at_the_limit(database, queue):
    intake = Intake(database, queue, max_characters=100, per_person=5)

    def ask(number):
        try:
            return intake.accept(a_question(f"Question {number}?", f"k{number}")).conversation_id
        except TooManyQuestions:
            return None

    with ThreadPoolExecutor(8) as pool:
        conversations = list(pool.map(ask, range(16)))
    assert conversations.count(None) == 11
    assert len(set(conversations) - {None}) == 1
    assert stored(database, QuestionRow) == 5


def test_jobs_can_be_left_to_somebody_else(database, queue):
    posted = []
    intake = Intake(database, queue, max_characters=100, per_person=100, post=posted.extend)
    accepted = intake.accept(a_question())
    assert [row.args for row in posted] == [[accepted.question_id]]
    assert queue.jobs == []
    assert stored(database, OutboxRow) == 1


def test_a_broker_that_is_down_loses_nothing(intake, queue, database):
    queue.down = True
    accepted = intake.accept(a_question())
    assert stored(database, OutboxRow) == 1
    queue.down = False
    assert outbox.sweep(database, queue) == 0, "the writer still has its own time to send"
    with database.writing() as session:
        session.scalars(select(OutboxRow)).one().not_before -= 2 * outbox.GRACE
    assert outbox.sweep(database, queue) == 1
    assert [job.args for job in queue.jobs] == [(accepted.question_id,)]
    assert stored(database, OutboxRow) == 0


def test_questions_of_one_conversation_share_it(intake):
    first = intake.accept(a_question("One?", "k1"))
    second = intake.accept(a_question("Two?", "k2"))
    assert first.conversation_id == second.conversation_id
    assert first.question_id != second.question_id


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("  \n", "type a question"),
        ("x" * 101, "101 characters"),
        ("\ud800", "no text"),
        ("a\0b", "no text"),
    ],
)
def test_what_is_not_a_question_is_refused_with_a_sentence(intake, database, text, sentence):
    with pytest.raises(InvalidQuestion, match=sentence):
        intake.accept(a_question(text))
    assert stored(database, QuestionRow) == 0


def test_a_message_without_a_key_could_be_answered_twice(intake):
    with pytest.raises(InternalError):
        intake.accept(InboundQuestion("web", "default", "dana", "t", "How many?", ()))


# --- changing one's mind


@pytest.fixture
def stage(database) -> Scene:
    return Scene(database, FakeChat("slack"), {"channel": "C01"})


def test_a_question_that_was_edited_is_answered_in_its_new_words(stage):
    question = stage.ask("How many?", "k1")
    stage.intake.edit("k1", "How many days of leave?")
    assert stage.jobs("answer.question") == 2
    pipeline = ScriptedPipeline(says("90 days [1]"))
    for _ in range(2):
        stage.desk(pipeline).answer(question)
    assert [asked.text for asked in pipeline.asked] == ["How many days of leave?"]


def test_a_question_that_is_edited_while_somebody_answers_is_answered_in_its_new_words(stage):
    question = stage.ask("How many?", "k1")

    def edited_meanwhile(asked, show):
        stage.intake.edit("k1", "How many days of leave?")
        return a_draft("an answer to the old words")

    stage.desk(ScriptedPipeline(edited_meanwhile)).answer(question)
    assert stage.view(question).outcome is None
    stage.desk(ScriptedPipeline(says("an answer to the new ones"))).answer(question)
    assert stage.view(question).text == "an answer to the new ones"


def test_whoever_edits_often_is_not_given_up(stage):
    question = stage.ask("How many?", "k1")

    def edits_again(asked, show):
        stage.intake.edit("k1", f"{asked.text}?")
        return a_draft("too late")

    for _ in range(MAX_ATTEMPTS + 2):
        stage.desk(ScriptedPipeline(edits_again)).answer(question)
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    assert stage.view(question).text == "90 days [1]"


@pytest.mark.parametrize(("key", "text"), [("k1", "How many?"), ("unknown", "How many days?")])
def test_an_edit_without_a_change_changes_nothing(stage, key, text):
    stage.ask("How many?", "k1")
    stage.intake.edit(key, text)
    assert stage.jobs("answer.question") == 1


def test_an_edit_after_the_answer_comes_too_late(stage):
    question = stage.answered()
    jobs = stage.jobs("answer.question")
    stage.intake.edit("key-0", "Something else?")
    assert stage.jobs("answer.question") == jobs
    assert stage.view(question).question == "How many days?"


def test_an_edit_to_nothing_is_refused_and_the_question_stays(stage):
    question = stage.ask("How many?", "k1")
    with pytest.raises(InvalidQuestion):
        stage.intake.edit("k1", " ")
    assert stage.view(question).question == "How many?"


def test_a_question_that_was_deleted_is_answered_by_nobody(stage):
    question = stage.ask("How many?", "k1")
    for _ in range(2):
        stage.intake.withdraw("k1")
    pipeline = ScriptedPipeline(says("90 days [1]"))
    stage.desk(pipeline).answer(question)
    assert pipeline.asked == []
    assert stage.view(question).retracted


def test_a_question_that_is_deleted_while_somebody_answers_gets_no_answer(stage):
    question = stage.ask("How many?", "k1")

    def deleted_meanwhile(asked, show):
        stage.intake.withdraw("k1")
        return a_draft("for nobody")

    stage.desk(ScriptedPipeline(deleted_meanwhile)).answer(question)
    stage.run_jobs()
    assert stage.view(question).text == ""
    assert stage.chat.messages == {}


def test_a_deleted_question_does_not_come_back_with_its_message(stage):
    question = stage.ask("How many?", "k1")
    stage.intake.withdraw("k1")
    assert stage.ask("How many?", "k1") == question
    assert stage.view(question).retracted


# --- too many at once


def test_whoever_asks_too_much_is_slowed_down_and_nobody_else(database, queue):
    intake = Intake(database, queue, max_characters=100, per_person=2)
    intake.accept(a_question("One?", "k1"))
    intake.accept(a_question("Two?", "k2"))
    with pytest.raises(TooManyQuestions, match="2 questions"):
        intake.accept(a_question("Three?", "k3"))
    assert not intake.accept(a_question("Two?", "k2")).fresh, "the same message again is no new question"
    assert intake.accept(replace(a_question("Mine?", "k4"), asker="finn")).fresh


def test_after_a_while_one_may_ask_again(database, queue):
    intake = Intake(database, queue, max_characters=100, per_person=1)
    intake.accept(a_question("One?", "k1"))
    with database.writing() as session:
        session.scalars(select(QuestionRow)).one().created_at -= WINDOW
    assert intake.accept(a_question("Two?", "k2")).fresh


def test_somebody_in_a_chat_is_told_first_that_we_are_at_work(stage):
    stage.ask()
    assert [job.task for job in stage.queue.jobs] == ["deliver.progress", "answer.question"]
