"""What people think of answers: of those they were given, one opinion each, and a click weighs more than a reaction."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from answerloop.db.repositories.answers import AnswerView
from answerloop.db.tables import FeedbackRow
from answerloop.domain import FeedbackReason, Thumb
from answerloop.errors import InvalidFeedback, NotFound
from answerloop.testing.fake_chat import FakeChat
from bot.feedback import MAX_CORRECTION_CHARACTERS, FeedbackBox, seen_by
from tests.unit.workers.answering.desk_kit import Scene

ROOM, ELSEWHERE = "slack:T01:C01", "slack:T01:C02"


@pytest.fixture
def stage(database) -> Scene:
    stage = Scene(database, FakeChat("slack"), {"channel": "C01"})
    stage.room = ROOM
    return stage


@pytest.fixture
def answer(stage) -> AnswerView:
    """Asked by Dana in a room, answered and shown."""
    question = stage.answered()
    stage.run_jobs()
    return stage.view(question)


@pytest.fixture
def box(stage) -> FeedbackBox:
    return FeedbackBox(stage.database)


def opinions(stage: Scene) -> dict[str, tuple[str | None, str | None, str | None]]:
    with stage.database.reading() as session:
        return {row.person: (row.thumb, row.reason, row.correction) for row in session.scalars(select(FeedbackRow))}


# --- who sees an answer


@pytest.mark.parametrize(
    ("shown_in", "person", "room", "sees"),
    [
        (ROOM, "dana", None, True),
        (ROOM, "dana", ELSEWHERE, True),
        (ROOM, "finn", ROOM, True),
        (ROOM, "finn", ELSEWHERE, False),
        (ROOM, "finn", None, False),
        (None, "dana", ROOM, True),
        (None, "finn", None, False),
        (None, "finn", ROOM, False),
        (None, "", None, False),
    ],
)
def test_an_answer_is_there_for_its_asker_and_for_the_room_it_was_shown_in(answer, shown_in, person, room, sees):
    view = replace(answer, room=shown_in)
    if sees:
        assert seen_by(view, person, room) is view
    else:
        with pytest.raises(NotFound):
            seen_by(view, person, room)


def test_what_is_gone_or_never_was_is_nobodys(answer):
    for view in (None, replace(answer, retracted=True)):
        with pytest.raises(NotFound):
            seen_by(view, "dana", ROOM)


# --- one opinion each


def test_everybody_has_one_opinion_and_may_change_it(stage, box, answer):
    for person, thumb in (("dana", Thumb.UP), ("finn", Thumb.UP), ("finn", Thumb.DOWN)):
        box.rate(person, answer.answer_id, thumb, ROOM)
    assert opinions(stage) == {"dana": ("up", None, None), "finn": ("down", None, None)}


def test_a_bare_thumb_keeps_what_was_written_before(stage, box, answer):
    box.give("dana", answer.answer_id, Thumb.DOWN, FeedbackReason.OUTDATED, "95 days")
    box.give("dana", answer.answer_id, Thumb.DOWN)
    assert opinions(stage) == {"dana": ("down", "outdated", "95 days")}
    box.give("dana", answer.answer_id, Thumb.UP)
    assert opinions(stage) == {"dana": ("up", None, "95 days")}


def test_what_is_written_anew_replaces_what_was_written_before(stage, box, answer):
    box.give("dana", answer.answer_id, Thumb.DOWN, FeedbackReason.OUTDATED, "95 days")
    box.give("dana", answer.answer_id, Thumb.DOWN, FeedbackReason.TONE)
    assert opinions(stage) == {"dana": ("down", "tone", None)}


# --- why


def test_whoever_gave_a_thumb_may_explain_it_from_anywhere(stage, box, answer):
    """A dialog does not say where it was opened."""
    box.rate("finn", answer.answer_id, Thumb.UP, ROOM)
    box.explain("finn", answer.answer_id, FeedbackReason.MADE_UP, "  ")
    assert opinions(stage) == {"finn": ("down", "made_up", None)}


@pytest.mark.parametrize("person", ["finn", "dana", "eve"])
def test_whoever_gave_none_explains_nothing(stage, box, answer, person):
    """Not even the asker, nor somebody who only offered a better answer."""
    if person == "finn":
        stage.actions().suggest("slack", "t1", "finn", ROOM, "95 days")
    before = opinions(stage)
    with pytest.raises(NotFound):
        box.explain(person, answer.answer_id, FeedbackReason.OTHER, None)
    with pytest.raises(NotFound):
        box.explain(person, "none", FeedbackReason.OTHER, None)
    assert opinions(stage) == before


def test_nobody_explains_what_was_taken_back_meanwhile(stage, box, answer):
    box.give("dana", answer.answer_id, Thumb.DOWN)
    stage.actions().retract(answer.answer_id, "dana")
    with pytest.raises(NotFound):
        box.explain("dana", answer.answer_id, FeedbackReason.OTHER, None)


@pytest.mark.parametrize("better", ["x" * (MAX_CORRECTION_CHARACTERS + 1), "a\0b", "\ud800"])
def test_a_better_answer_that_cannot_be_kept_is_said_and_the_thumb_stays(stage, box, answer, better):
    box.give("dana", answer.answer_id, Thumb.DOWN)
    with pytest.raises(InvalidFeedback):
        box.explain("dana", answer.answer_id, None, better)
    assert opinions(stage) == {"dana": ("down", None, None)}


# --- reactions


@pytest.fixture
def message(stage) -> str:
    [known] = stage.chat.messages
    return known


def test_a_reaction_counts_while_it_stands(stage, box, answer, message):
    for _ in range(2):
        box.react("finn", ROOM, message, Thumb.UP, given=True)
    assert opinions(stage) == {"finn": ("up", None, None)}
    for _ in range(2):
        box.react("finn", ROOM, message, Thumb.UP, given=False)
    assert opinions(stage) == {}


@pytest.mark.parametrize(("person", "room"), [("finn", ELSEWHERE), ("finn", "slack:T02:C01")])
def test_a_reaction_somewhere_else_counts_nothing(stage, box, answer, message, person, room):
    box.react(person, room, message, Thumb.UP, given=True)
    box.react(person, ROOM, "message-9", Thumb.UP, given=True)
    assert opinions(stage) == {}


def test_a_reaction_leaves_what_somebody_said_and_wrote(stage, box, answer, message):
    box.rate("finn", answer.answer_id, Thumb.DOWN, ROOM)
    box.explain("finn", answer.answer_id, FeedbackReason.OUTDATED, "95 days")
    for thumb in Thumb:
        for given in (True, False):
            box.react("finn", ROOM, message, thumb, given=given)
    assert opinions(stage) == {"finn": ("down", "outdated", "95 days")}


def test_taking_one_of_two_reactions_back_leaves_the_one_that_counts(stage, box, answer, message):
    box.react("finn", ROOM, message, Thumb.UP, given=True)
    box.react("finn", ROOM, message, Thumb.DOWN, given=True)
    box.react("finn", ROOM, message, Thumb.DOWN, given=False)
    assert opinions(stage) == {"finn": ("up", None, None)}


def test_a_reaction_to_news_counts_nothing(stage, box):
    stage.ask()
    stage.run_jobs()
    box.react("dana", ROOM, next(iter(stage.chat.messages)), Thumb.UP, given=True)
    assert opinions(stage) == {}


def test_a_reaction_to_an_answer_that_was_taken_back_counts_nothing(stage, box, answer, message):
    stage.actions().retract(answer.answer_id, "dana")
    box.react("finn", ROOM, message, Thumb.UP, given=True)
    assert opinions(stage) == {}


def test_a_reaction_to_ones_own_private_answer_counts_and_nobody_elses(stage, box):
    stage.room = None
    stage.answered()
    stage.run_jobs()
    [message] = stage.chat.messages
    for person in ("finn", "dana"):
        box.react(person, "slack:T01:D01", message, Thumb.UP, given=True)
    assert opinions(stage) == {"dana": ("up", None, None)}
