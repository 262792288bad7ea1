"""What people do about an answer, and who may."""

import pytest
from sqlalchemy import select

from answerloop.db.repositories import notices
from answerloop.db.tables import FeedbackRow, NoticeRow
from answerloop.domain import InboundQuestion, NoticeKind, Thumb
from answerloop.errors import NotAllowed, NotFound
from answerloop.testing.fake_chat import FakeChat
from bot.feedback import FeedbackBox
from bot.people import AnswerActions, Call
from tests.unit.workers.answering.desk_kit import Scene

ROOM = "slack:T01:C01"
CALL = Call({"channel": "C02"}, ("finn",), room="slack:T01:C02")


@pytest.fixture
def stage(database) -> Scene:
    return Scene(database, FakeChat("slack"), {"channel": "C01"})


@pytest.fixture
def question(stage) -> str:
    """Asked by Dana for herself, answered and shown."""
    question = stage.answered()
    stage.run_jobs()
    return question


@pytest.fixture
def answer(stage, question) -> str:
    return stage.view(question).answer_id


@pytest.fixture
def actions(stage) -> AnswerActions:
    return stage.actions(CALL)


def calls_for_help(stage: Scene) -> list[NoticeRow]:
    with stage.database.reading() as session:
        return list(session.scalars(select(NoticeRow).where(NoticeRow.kind == NoticeKind.ESCALATION)))


def opinions(stage: Scene) -> dict[str, tuple[str | None, str | None]]:
    with stage.database.reading() as session:
        return {row.person: (row.thumb, row.correction) for row in session.scalars(select(FeedbackRow))}


# --- asking for a human


def test_whoever_asks_for_a_human_calls_once(stage, actions, question, answer):
    for _ in range(2):
        actions.ask_human(answer, "dana", None)
    [call] = calls_for_help(stage)
    assert (call.address, call.people, call.room) == (CALL.address, ["finn"], CALL.room)
    stage.run_jobs()
    assert stage.chat.shown[question].escalation.asked_by == "dana"
    assert [notice.people for notice in stage.chat.notices] == [("finn",)]


def test_where_nobody_can_be_called_nobody_is_said_to_have_been(stage, question, answer):
    with pytest.raises(NotAllowed, match="nobody"):
        stage.actions().ask_human(answer, "dana", None)
    stage.run_jobs()
    assert stage.chat.shown[question].escalation is None


def test_a_call_that_is_taken_care_of_says_so_everywhere(stage, actions, question, answer):
    actions.ask_human(answer, "dana", None)
    stage.run_jobs()
    actions.resolve(answer, "finn", None)
    actions.resolve(answer, "dana", None)
    stage.run_jobs()
    assert stage.chat.shown[question].escalation.resolved_by == "finn"
    assert [notice.escalation.resolved_by for notice in stage.chat.notices] == ["finn"]
    assert len(stage.chat.messages) == 2


@pytest.mark.parametrize(
    ("person", "room", "may"),
    [("finn", None, True), ("dana", None, True), ("eve", CALL.room, True), ("eve", ROOM, False), ("eve", None, False)],
)
def test_only_who_was_called_or_stands_there_takes_care(stage, actions, question, answer, person, room, may):
    actions.ask_human(answer, "dana", None)
    if may:
        actions.resolve(answer, person, room)
    else:
        with pytest.raises(NotFound):
            actions.resolve(answer, person, room)
    stage.run_jobs()
    assert (stage.chat.shown[question].escalation.resolved_by == person) is may


# --- who may


@pytest.mark.parametrize("person", ["eve", "", "dana "])
def test_an_answer_that_was_given_to_somebody_else_is_not_there(stage, actions, answer, person):
    for act in (
        lambda: actions.ask_human(answer, person, ROOM),
        lambda: actions.share(answer, person, lambda text, address: pytest.fail("shared")),
        lambda: actions.suggest("slack", "t1", person, ROOM, "better"),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(NotAllowed):
        actions.retract(answer, person)
    assert stage.queue.jobs == []


def test_an_answer_that_never_was_is_not_there(actions):
    for act in (
        lambda: actions.ask_human("none", "dana", None),
        lambda: actions.retract("none", "dana"),
        lambda: actions.resolve("none", "dana", None),
        lambda: actions.accept_suggestion("none", "dana"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_retracted_answer_is_nobodys_any_more(stage, actions, answer):
    actions.retract(answer, "dana")
    jobs = len(stage.queue.jobs)
    actions.retract(answer, "dana")
    assert len(stage.queue.jobs) == jobs
    with pytest.raises(NotFound):
        actions.ask_human(answer, "dana", None)


# --- sharing


def test_a_shared_question_is_asked_anew_where_all_read_along(stage, actions, question, answer):
    def inbound(text, address):
        return InboundQuestion("slack", "default", "dana", "shared", text, ("share-1",), address, room=ROOM)

    actions.share(answer, "dana", inbound)
    with pytest.raises(NotAllowed, match="already"):
        actions.share(answer, "dana", inbound)
    [asked] = [job.args[0] for job in stage.queue.jobs if job.task == "answer.question"]
    assert asked != question
    assert (stage.view(asked).question, stage.view(asked).room) == ("How many days?", ROOM)
    assert stage.view(asked).text == "", "nothing of the private answer is taken along"


# --- suggestions


@pytest.fixture
def in_room(stage) -> None:
    """Before the question: everybody in the room sees the answer."""
    stage.room = ROOM


def offered(stage: Scene, actions: AnswerActions, person: str = "finn", text: str = "It is 95 days.") -> str | None:
    actions.offer_suggestion("slack", "t1", {"channel": "C01"}, person, text, "message-1")
    with stage.database.reading() as session:
        return session.scalar(select(NoticeRow.id).where(NoticeRow.kind == NoticeKind.SUGGESTION))


def test_a_reply_of_a_colleague_becomes_the_better_answer_with_one_click(stage, in_room, actions, question):
    notice = offered(stage, actions)
    assert offered(stage, actions) == notice, "the same message is offered once"
    assert opinions(stage) == {}
    actions.accept_suggestion(notice, "finn")
    assert opinions(stage) == {"finn": (None, "It is 95 days.")}


def test_a_suggestion_leaves_the_thumb_that_was_given(stage, actions, question, answer):
    FeedbackBox(stage.database).give("dana", answer, Thumb.DOWN)
    actions.suggest("slack", "t1", "dana", None, "It is 95 days.")
    assert opinions(stage) == {"dana": (Thumb.DOWN, "It is 95 days.")}


def test_nobody_accepts_for_somebody_else(stage, in_room, actions, question):
    notice = offered(stage, actions)
    with pytest.raises(NotFound):
        actions.accept_suggestion(notice, "eve")
    assert opinions(stage) == {}


def test_the_asker_and_threads_without_an_answer_are_offered_nothing(stage, in_room, actions, question):
    assert offered(stage, actions, person="dana") is None
    actions.offer_suggestion("slack", "another thread", {}, "finn", "It is 95 days.", "message-2")
    assert stage.queue.jobs == []


def test_whoever_does_not_see_the_answer_is_not_told_that_there_is_one(stage, actions, question):
    assert offered(stage, actions) is None
    assert stage.queue.jobs == []


def test_a_suggestion_to_an_answer_that_is_gone_is_not_there(stage, in_room, actions, answer):
    notice = offered(stage, actions)
    actions.retract(answer, "dana")
    with pytest.raises(NotFound):
        actions.accept_suggestion(notice, "finn")


# --- telling


def test_each_thing_is_told_once(stage, actions):
    for _ in range(2):
        actions.tell("slack", {"channel": "C01"}, NoticeKind.SLOW_DOWN, "A moment, please.", "slow:1")
    stage.run_jobs()
    assert [notice.text for notice in stage.chat.notices] == ["A moment, please."]
    with stage.database.reading() as session:
        assert notices.suggestion(session, stage.chat.notices[0].id) is None
