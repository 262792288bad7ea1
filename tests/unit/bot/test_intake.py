from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from answerloop.db import outbox
from answerloop.db.session import Database
from answerloop.db.tables import OutboxRow, QuestionRow
from answerloop.domain import InboundQuestion
from answerloop.errors import InternalError, InvalidQuestion
from answerloop.testing.fakes import FakeTaskQueue
from bot.intake import Intake


def a_question(text: str = "How many days?", *keys: str) -> InboundQuestion:
    return InboundQuestion("web", "default", "dana", "thread-1", text, keys or ("web:1",))


@pytest.fixture
def queue() -> FakeTaskQueue:
    return FakeTaskQueue()


@pytest.fixture
def intake(database: Database, queue: FakeTaskQueue) -> Intake:
    return Intake(database, queue, max_characters=100)


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


def test_parallel_deliveries_of_one_message_are_one_question(intake, queue, database):
    with ThreadPoolExecutor(8) as pool:
        ids = {accepted.question_id for accepted in pool.map(intake.accept, [a_question()] * 16)}
    assert len(ids) == 1
    assert stored(database, QuestionRow) == 1
    assert len(queue.jobs) == 1


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
