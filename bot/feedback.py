"""The one way in for feedback of every channel."""

from __future__ import annotations

from answerloop.db.repositories import answers, feedback
from answerloop.db.session import Database
from answerloop.domain import FeedbackReason, Stage, Thumb
from answerloop.errors import InvalidFeedback, NotFound
from bot.intake import is_storable

MAX_CORRECTION_CHARACTERS = 4000


class FeedbackBox:
    """Takes what a person thinks of an answer they were given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(
        self,
        person: str,
        answer_id: str,
        thumb: Thumb,
        reason: FeedbackReason | None = None,
        correction: str | None = None,
    ) -> None:
        """Raises NotFound for an answer the person was not given, InvalidFeedback for one that is not finished."""
        correction = (correction or "").strip() or None
        if correction and len(correction) > MAX_CORRECTION_CHARACTERS:
            raise InvalidFeedback(f"Please keep the better answer under {MAX_CORRECTION_CHARACTERS:,} characters.")
        if correction and not is_storable(correction):
            raise InvalidFeedback("The better answer has characters that are no text. Please type it again.")
        with self._database.writing() as session:
            answer = answers.view_of_answer(session, answer_id)
            if answer is None or answer.asker != person:
                raise NotFound("There is no such answer.")
            if answer.stage is not Stage.DONE:
                raise InvalidFeedback("The answer is not finished yet.")
            feedback.give(session, answer_id, person, thumb, reason, correction)
