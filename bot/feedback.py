"""The one way in for feedback of every channel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from answerloop.db.repositories import answers, deliveries, feedback
from answerloop.db.repositories.answers import AnswerView
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.domain import FeedbackReason, Opinion, Stage, Thumb, Via
from answerloop.errors import InvalidFeedback, NotFound, TooMuchFeedback
from bot.intake import is_storable

MAX_CORRECTION_CHARACTERS = 4000
MAX_COMMENT_CHARACTERS = 2000
MAX_SOURCE_CHARACTERS = 1000
PER_PERSON = 50
DAY = timedelta(days=1)


def seen_by(view: AnswerView | None, person: str, room: str | None) -> AnswerView:
    """The answer, for its asker and for whoever is in the room where it was shown. Raises NotFound."""
    if view is None or view.retracted or (view.asker != person and (room is None or view.room != room)):
        raise NotFound("There is no such answer.")
    return view


class FeedbackBox:
    """Takes what a person thinks of an answer they were given, of so many answers a day; what they think of others
    before stays, and they may always change it. Beyond that every method raises TooMuchFeedback."""

    def __init__(self, database: Database, per_person: int = PER_PERSON) -> None:
        self._database = database
        self._per_person = per_person

    def give(
        self,
        person: str,
        answer_id: str,
        thumb: Thumb | None,
        reason: FeedbackReason | None = None,
        correction: str | None = None,
        *,
        comment: str | None = None,
        source: str | None = None,
        whole: bool = False,
    ) -> None:
        """A thumb, which leaves what else this person has said; or with more, or where this is the `whole` of it, in
        place of that. Raises NotFound for an answer they were not given, InvalidFeedback for one that is not
        finished."""
        opinion = _checked(Opinion(thumb, reason, comment, correction, source))
        with self._database.writing() as session:
            _finished(seen_by(answers.view_of_answer(session, answer_id), person, None))
            self._require_room(session, answer_id, person)
            if whole or opinion != Opinion(thumb):
                feedback.give(session, answer_id, person, opinion, Via.FORM)
            else:
                feedback.add(session, answer_id, person, opinion, Via.CLICK)

    def rate(self, person: str, answer_id: str, thumb: Thumb, room: str | None) -> None:
        """A bare thumb: what else they have said of it stays. `room` is where the person is, as the platform vouches.
        Raises as `give` does."""
        with self._database.writing() as session:
            _finished(seen_by(answers.view_of_answer(session, answer_id), person, room))
            self._require_room(session, answer_id, person)
            feedback.add(session, answer_id, person, Opinion(thumb), Via.CLICK)

    def explain(
        self,
        person: str,
        answer_id: str,
        reason: FeedbackReason | None,
        correction: str | None,
        *,
        comment: str | None = None,
        source: str | None = None,
    ) -> None:
        """Why this person's thumb is down. Raises NotFound when they have given none, and as `give` does."""
        opinion = _checked(Opinion(Thumb.DOWN, reason, comment, correction, source))
        with self._database.writing() as session:
            answer = answers.view_of_answer(session, answer_id)
            if answer is None or feedback.thumb_of(session, answer_id, person) is None:
                raise NotFound("There is no such answer.")
            _finished(seen_by(answer, person, answer.room))
            feedback.add(session, answer_id, person, opinion, Via.FORM)

    def react(self, person: str, room: str | None, message_id: str, thumb: Thumb, *, given: bool) -> None:
        """A thumb as a reaction below an answer: kept while it stands, and only where the person has given no other.
        One too many is not heard: nobody could be told."""
        with self._database.writing() as session:
            question_id = deliveries.question_of_message(session, message_id, room, person)
            answer = answers.view(session, question_id) if question_id else None
            if answer is None or answer.retracted or answer.stage is not Stage.DONE:
                return
            answer_id, thumbed = answer.answer_id, feedback.thumb_of(session, answer.answer_id, person)
            if not given:
                feedback.take_back(session, answer_id, person, thumb)
            elif thumbed is None and self._has_room(session, answer_id, person):
                feedback.add(session, answer_id, person, Opinion(thumb), Via.REACTION)

    def suggest(self, session: Any, person: str, answer_id: str, text: str) -> None:
        """A better answer to what this person was shown, cut where it is too long."""
        self._require_room(session, answer_id, person)
        opinion = Opinion(correction=text[:MAX_CORRECTION_CHARACTERS])
        feedback.add(session, answer_id, person, opinion, Via.FORM)

    def _require_room(self, session: Any, answer_id: str, person: str) -> None:
        if not self._has_room(session, answer_id, person):
            raise TooMuchFeedback(
                f"You have rated {self._per_person} answers today, thank you! "
                "Please go on tomorrow; what you have said already can still be changed."
            )

    def _has_room(self, session: Any, answer_id: str, person: str) -> bool:
        known = feedback.of_person(session, answer_id, person) is not None
        return known or feedback.given_since(session, person, now() - DAY) < self._per_person


def _checked(opinion: Opinion) -> Opinion:
    """Without empty texts. Raises InvalidFeedback."""
    return Opinion(
        opinion.thumb,
        opinion.reason,
        _text(opinion.comment, "comment", "comment", MAX_COMMENT_CHARACTERS),
        _text(opinion.correction, "better", "better answer", MAX_CORRECTION_CHARACTERS),
        _text(opinion.source, "source", "source", MAX_SOURCE_CHARACTERS),
    )


def _text(text: str | None, about: str, name: str, most: int) -> str | None:
    text = (text or "").strip() or None
    if text and len(text) > most:
        raise InvalidFeedback(f"Please keep the {name} under {most:,} characters.", about)
    if text and not is_storable(text):
        raise InvalidFeedback(f"The {name} has characters that are no text. Please type it again.", about)
    return text


def _finished(answer: AnswerView) -> None:
    if answer.stage is not Stage.DONE:
        raise InvalidFeedback("The answer is not finished yet.")
