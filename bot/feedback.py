"""The one way in for feedback of every channel."""

from __future__ import annotations

from answerloop.db.repositories import answers, deliveries, feedback
from answerloop.db.repositories.answers import AnswerView
from answerloop.db.session import Database
from answerloop.domain import FeedbackReason, Stage, Thumb
from answerloop.errors import InvalidFeedback, NotFound
from bot.intake import is_storable

MAX_CORRECTION_CHARACTERS = 4000


def seen_by(view: AnswerView | None, person: str, room: str | None) -> AnswerView:
    """The answer, for its asker and for whoever is in the room where it was shown. Raises NotFound."""
    if view is None or view.retracted or (view.asker != person and (room is None or view.room != room)):
        raise NotFound("There is no such answer.")
    return view


class FeedbackBox:
    """Takes what a person thinks of an answer they were given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(
        self,
        person: str,
        answer_id: str,
        thumb: Thumb | None,
        reason: FeedbackReason | None = None,
        correction: str | None = None,
    ) -> None:
        """All that this person thinks of it. Raises NotFound for an answer they were not given, InvalidFeedback for one
        that is not finished."""
        correction = _checked(correction)
        with self._database.writing() as session:
            _finished(seen_by(answers.view_of_answer(session, answer_id), person, None))
            feedback.give(session, answer_id, person, thumb, reason, correction)

    def rate(self, person: str, answer_id: str, thumb: Thumb, room: str | None) -> None:
        """A bare thumb: what else they have said of it stays. `room` is where the person is, as the platform vouches.
        Raises as `give` does."""
        with self._database.writing() as session:
            _finished(seen_by(answers.view_of_answer(session, answer_id), person, room))
            feedback.add(session, answer_id, person, thumb=thumb)

    def explain(self, person: str, answer_id: str, reason: FeedbackReason | None, correction: str | None) -> None:
        """Why this person's thumb is down. Raises NotFound when they have given none, and as `give` does."""
        correction = _checked(correction)
        with self._database.writing() as session:
            answer = answers.view_of_answer(session, answer_id)
            if answer is None or feedback.thumb_of(session, answer_id, person) is None:
                raise NotFound("There is no such answer.")
            _finished(seen_by(answer, person, answer.room))
            feedback.add(session, answer_id, person, thumb=Thumb.DOWN, reason=reason, correction=correction)

    def react(self, person: str, room: str, message_id: str, thumb: Thumb, *, given: bool) -> None:
        """A thumb as a reaction below an answer: kept while it stands, and only where the person has given no other."""
        with self._database.writing() as session:
            question_id = deliveries.question_of_message(session, message_id, room, person)
            answer = answers.view(session, question_id) if question_id else None
            if answer is None or answer.retracted or answer.stage is not Stage.DONE:
                return
            if given and feedback.thumb_of(session, answer.answer_id, person) is None:
                feedback.add(session, answer.answer_id, person, thumb=thumb)
            elif not given:
                feedback.take_back(session, answer.answer_id, person, thumb)


def _checked(correction: str | None) -> str | None:
    """Raises InvalidFeedback."""
    correction = (correction or "").strip() or None
    if correction and len(correction) > MAX_CORRECTION_CHARACTERS:
        raise InvalidFeedback(f"Please keep the better answer under {MAX_CORRECTION_CHARACTERS:,} characters.")
    if correction and not is_storable(correction):
        raise InvalidFeedback("The better answer has characters that are no text. Please type it again.")
    return correction


def _finished(answer: AnswerView) -> None:
    if answer.stage is not Stage.DONE:
        raise InvalidFeedback("The answer is not finished yet.")
