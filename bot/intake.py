"""The one way in for questions of every channel: a row and its job are committed before anything is acknowledged."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from answerloop.db import outbox
from answerloop.db.repositories import answers, deliveries, questions
from answerloop.db.repositories.questions import Accepted
from answerloop.db.session import Database, DuplicateKey
from answerloop.db.tables import now
from answerloop.domain import InboundQuestion
from answerloop.errors import InternalError, InvalidQuestion, TooManyQuestions
from answerloop.observability import DUPLICATES, QUESTIONS
from answerloop.ports import TaskQueue
from answerloop.tasks import answer_question, show_progress, withdraw_answer

log = logging.getLogger(__name__)


def is_storable(text: str) -> bool:
    """Whether a database takes it: half a surrogate pair is no UTF-8, and PostgreSQL has no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


WINDOW = timedelta(minutes=10)


class Intake:
    """Accepts questions. The same message delivered again is the same question, however often and however parallel."""

    def __init__(self, database: Database, queue: TaskQueue, max_characters: int, per_person: int) -> None:
        self._database = database
        self._queue = queue
        self._max_characters = max_characters
        self._per_person = per_person

    def accept(self, inbound: InboundQuestion) -> Accepted:
        """Raises InvalidQuestion, TooManyQuestions; DatabaseUnavailable when nothing was stored and the platform must
        try again."""
        if not inbound.message_keys:
            raise InternalError("a question without a message key could be answered twice")
        inbound = replace(inbound, text=self._checked(inbound.text))
        try:
            return self._record(inbound)
        except DuplicateKey:  # its twin was faster
            return self._record(inbound)

    def _checked(self, text: str) -> str:
        text = text.strip()
        if not text:
            raise InvalidQuestion("Please type a question.")
        if not is_storable(text):
            raise InvalidQuestion("Your question has characters that are no text. Please type it again.")
        if len(text) > self._max_characters:
            raise InvalidQuestion(
                f"Your question has {len(text):,} characters; please keep it under {self._max_characters:,}."
            )
        return text

    def _record(self, inbound: InboundQuestion) -> Accepted:
        with self._database.writing() as session:
            known = questions.find_by_key(session, inbound.message_keys)
            if known:
                DUPLICATES.labels(channel=inbound.channel).inc()
                log.info("duplicate dropped", extra={"question_id": known.question_id, "channel": inbound.channel})
                return known
            if questions.asked_since(session, inbound.asker, now() - WINDOW) >= self._per_person:
                raise TooManyQuestions(
                    f"You have asked {self._per_person} questions in ten minutes. "
                    "I need a moment; please ask again a little later."
                )
            accepted = questions.record(session, inbound)
            jobs = [outbox.write(session, answer_question(accepted.question_id))]
            if inbound.address:  # somebody must tell them that it arrived; the web page sees for itself
                jobs.insert(0, outbox.write(session, show_progress(accepted.question_id)))
        QUESTIONS.labels(channel=inbound.channel).inc()
        log.info("question accepted", extra={"question_id": accepted.question_id, "channel": inbound.channel})
        outbox.send(self._database, self._queue, jobs)
        return accepted

    def owner_of(self, channel: str, conversation_key: str) -> str | None:
        """Who began the conversation; None when it is none of ours."""
        with self._database.reading() as session:
            return questions.owner_of(session, channel, conversation_key)

    def edit(self, message_key: str, text: str) -> None:
        """The person has changed their message: answered anew in its place, unless it is answered already. Raises
        InvalidQuestion."""
        text = self._checked(text)
        with self._database.writing() as session:
            known = questions.find_by_key(session, (message_key,))
            if known is None or not questions.edit(session, known.question_id, text):
                return
            job = outbox.write(session, answer_question(known.question_id))
        log.info("question edited", extra={"question_id": known.question_id})
        outbox.send(self._database, self._queue, [job])

    def withdraw(self, message_key: str) -> None:
        """The person has deleted their message: nobody answers it, and what was answered goes too."""
        with self._database.writing() as session:
            known = questions.find_by_key(session, (message_key,))
            if known is None:
                return
            if not questions.cancel(session, known.question_id):
                view = answers.view(session, known.question_id)
                if view is None or answers.retract(session, view.answer_id) is None:
                    return
            deliveries.redo(session, known.question_id)
            job = outbox.write(session, withdraw_answer(known.question_id))
        log.info("question withdrawn", extra={"question_id": known.question_id})
        outbox.send(self._database, self._queue, [job])
