"""What people think of an answer: nothing that they said gets lost, and nobody speaks for others."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from answerloop.db.repositories import feedback
from answerloop.db.tables import DeliveryRow, FeedbackRow, QuestionRow
from answerloop.domain import FeedbackReason, Opinion, Thumb
from answerloop.errors import InvalidFeedback, NotFound, TooMuchFeedback
from answerloop.testing.fake_chat import FakeChat
from bot.feedback import FeedbackBox
from bot.people import AnswerActions
from tests.unit.workers.answering.desk_kit import Scene

ROOM = "slack:T01:C01"
UP, DOWN = Thumb.UP, Thumb.DOWN


@pytest.fixture
def stage(database) -> Scene:
    return Scene(database, FakeChat("slack"), {"channel": "C01"})


@pytest.fixture
def question(stage) -> str:
    """Asked by Dana, answered and shown in a room."""
    question = stage.answered()
    stage.run_jobs()
    with stage.database.writing() as session:
        session.get_one(QuestionRow, question).room = ROOM
    return question


@pytest.fixture
def answer(stage, question) -> str:
    return stage.view(question).answer_id


@pytest.fixture
def message(stage, question) -> str:
    with stage.database.reading() as session:
        return session.get_one(DeliveryRow, question).message_id


@pytest.fixture
def box(stage) -> FeedbackBox:
    return FeedbackBox(stage.database)


def opinions(stage: Scene) -> dict[str, tuple[str | None, str | None, str | None]]:
    with stage.database.reading() as session:
        return {row.person: (row.thumb, row.reason, row.correction) for row in session.scalars(select(FeedbackRow))}


def test_a_thumb_leaves_the_better_answer_that_was_suggested(stage, question, answer, message, box):
    stage.actions().suggest("slack", "t1", "finn", ROOM, "It is 95 days.")
    stage.actions().suggest("slack", "t1", "eve", ROOM, "It is 96 days.")
    box.rate("finn", answer, DOWN, ROOM)
    box.react("eve", ROOM, message, DOWN, given=True)
    assert opinions(stage) == {"finn": (DOWN, None, "It is 95 days."), "eve": (DOWN, None, "It is 96 days.")}


def test_a_second_thumb_down_leaves_the_reason_and_a_thumb_up_takes_it_away(stage, answer, box):
    box.rate("dana", answer, DOWN, None)
    box.explain("dana", answer, FeedbackReason.OUTDATED, "It is 95 days.")
    box.rate("dana", answer, DOWN, None)
    assert opinions(stage) == {"dana": (DOWN, FeedbackReason.OUTDATED, "It is 95 days.")}
    box.rate("dana", answer, UP, None)
    assert opinions(stage) == {"dana": (UP, None, "It is 95 days.")}


def test_what_a_dialog_leaves_empty_stays_as_it_was(stage, answer, box):
    box.rate("dana", answer, DOWN, None)
    box.explain("dana", answer, None, "It is 95 days.")
    box.explain("dana", answer, FeedbackReason.OUTDATED, None)
    assert opinions(stage) == {"dana": (DOWN, FeedbackReason.OUTDATED, "It is 95 days.")}


def test_a_suggestion_leaves_the_reason_that_was_given(stage, answer, box):
    box.rate("dana", answer, DOWN, None)
    box.explain("dana", answer, FeedbackReason.OUTDATED, None)
    stage.actions().suggest("slack", "t1", "dana", None, "It is 95 days.")
    assert opinions(stage) == {"dana": (DOWN, FeedbackReason.OUTDATED, "It is 95 days.")}


def test_nobody_explains_a_thumb_that_they_have_not_given(stage, answer, box):
    box.rate("dana", answer, DOWN, None)
    for person, of in (("eve", answer), ("dana", "none")):
        with pytest.raises(NotFound):
            box.explain(person, of, FeedbackReason.OUTDATED, None)
    with pytest.raises(InvalidFeedback, match="4,000"):
        box.explain("dana", answer, None, "x" * 4001)
    assert opinions(stage) == {"dana": (DOWN, None, None)}


@pytest.mark.parametrize(("person", "room"), [("eve", None), ("eve", "slack:T01:C02"), ("", ROOM[:-1])])
def test_nobody_rates_what_they_were_not_shown(answer, box, person, room):
    with pytest.raises(NotFound):
        box.rate(person, answer, UP, room)


def test_an_answer_that_is_not_finished_takes_no_thumb(stage, box):
    answer = stage.view(stage.ask()).answer_id
    with pytest.raises(InvalidFeedback, match="not finished"):
        box.rate("dana", answer, UP, None)


def test_words_and_a_source_are_kept_beside_the_rest(stage, answer, box):
    box.give("dana", answer, DOWN, None, "It is 95 days.", source=" page 3 ", comment="Too short.")
    box.rate("dana", answer, DOWN, None)
    box.explain("dana", answer, FeedbackReason.OUTDATED, None)
    with stage.database.reading() as session:
        assert feedback.of_person(session, answer, "dana") == Opinion(
            DOWN, FeedbackReason.OUTDATED, "Too short.", "It is 95 days.", "page 3"
        )


# --- how much of one person


def test_one_person_rates_so_many_answers_a_day_and_may_change_them_all(stage, question):
    box = FeedbackBox(stage.database, per_person=2)
    answers = [stage.view(each).answer_id for each in (question, stage.answered(), stage.answered())]
    for answer in answers[:2]:
        box.rate("dana", answer, UP, None)
    with pytest.raises(TooMuchFeedback, match="2 answers today"):
        box.rate("dana", answers[2], UP, None)
    with pytest.raises(TooMuchFeedback):
        box.give("dana", answers[2], DOWN, FeedbackReason.OTHER)
    box.give("dana", answers[0], DOWN, FeedbackReason.OTHER)
    box.rate("eve", answers[0], UP, ROOM)
    with stage.database.writing() as session:
        assert len(list(session.scalars(select(FeedbackRow)))) == 3
        for row in session.scalars(select(FeedbackRow)):
            row.created_at -= timedelta(days=1)
    box.rate("dana", answers[2], UP, None)


def test_suggestions_and_reactions_count_too(stage, answer, message):
    box = FeedbackBox(stage.database, per_person=0)
    box.react("eve", ROOM, message, UP, given=True)
    actions = AnswerActions(stage.database, stage.queue, stage.intake, lambda room, address: (), box)
    with pytest.raises(TooMuchFeedback):
        actions.suggest("slack", "t1", "eve", ROOM, "It is 95 days.")
    assert opinions(stage) == {}


# --- reactions


def test_a_reaction_counts_while_it_stands(stage, message, box):
    box.react("eve", ROOM, message, UP, given=True)
    assert opinions(stage) == {"eve": (UP, None, None)}
    box.react("eve", ROOM, message, UP, given=False)
    assert opinions(stage) == {}


def test_a_reaction_never_replaces_a_click(stage, answer, message, box):
    box.rate("eve", answer, DOWN, ROOM)
    box.react("eve", ROOM, message, UP, given=True)
    box.react("eve", ROOM, message, UP, given=False)
    assert opinions(stage) == {"eve": (DOWN, None, None)}


def test_a_reaction_counts_in_direct_messages_too_but_for_their_two_alone(stage, question, message, box):
    with stage.database.writing() as session:
        session.get_one(QuestionRow, question).room = None
    box.react("eve", "slack:T01:D02", message, UP, given=True)
    assert opinions(stage) == {}
    box.react("dana", "slack:T01:D01", message, UP, given=True)
    assert opinions(stage) == {"dana": (UP, None, None)}


@pytest.mark.parametrize(("room", "message_id"), [("slack:T01:C02", None), (ROOM, "another")])
def test_a_reaction_elsewhere_means_nothing(stage, message, box, room, message_id):
    box.react("eve", room, message_id or message, UP, given=True)
    assert opinions(stage) == {}


def test_a_click_makes_a_reactions_thumb_ones_word(stage, answer, message, box):
    box.react("eve", ROOM, message, DOWN, given=True)
    box.rate("eve", answer, DOWN, ROOM)
    box.react("eve", ROOM, message, DOWN, given=False)
    assert opinions(stage) == {"eve": (DOWN, None, None)}


def test_removing_a_reaction_leaves_the_better_answer(stage, message, box):
    stage.actions().suggest("slack", "t1", "eve", ROOM, "It is 96 days.")
    box.react("eve", ROOM, message, DOWN, given=True)
    box.react("eve", ROOM, message, DOWN, given=False)
    assert opinions(stage) == {"eve": (None, None, "It is 96 days.")}


def test_removing_a_reaction_leaves_the_same_thumb_that_was_clicked(stage, answer, message, box):
    box.rate("eve", answer, UP, ROOM)
    box.react("eve", ROOM, message, UP, given=True)
    box.react("eve", ROOM, message, UP, given=False)
    assert opinions(stage) == {"eve": (UP, None, None)}


def test_a_reaction_to_an_answer_that_was_taken_back_means_nothing(stage, answer, message, box):
    stage.actions().retract(answer, "dana")
    box.react("eve", ROOM, message, UP, given=True)
    assert opinions(stage) == {}
