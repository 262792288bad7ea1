"""The one way in for questions of every channel: a row and its job are committed before anything is acknowledged."""

from __future__ import annotations

import logging
from dataclasses import replace

from answerloop.db import outbox
from answerloop.db.repositories import questions
from answerloop.db.repositories.questions import Accepted
from answerloop.db.session import Database, DuplicateKey
from answerloop.domain import InboundQuestion
from answerloop.errors import InternalError, InvalidQuestion
from answerloop.observability import DUPLICATES, QUESTIONS
from answerloop.ports import TaskQueue
from answerloop.tasks import answer_question

log = logging.getLogger(__name__)


def is_storable(text: str) -> bool:
    """Whether a database takes it: half a surrogate pair is no UTF-8, and PostgreSQL has no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


class Intake:
    """Accepts questions. The same message delivered again is the same question, however often and however parallel."""

    def __init__(self, database: Database, queue: TaskQueue, max_characters: int) -> None:
        self._database = database
        self._queue = queue
        self._max_characters = max_characters

    def accept(self, inbound: InboundQuestion) -> Accepted:
        """Raises InvalidQuestion; DatabaseUnavailable when nothing was stored and the platform must try again."""
        if not inbound.message_keys:
            raise InternalError("a question without a message key could be answered twice")
        text = inbound.text.strip()
        if not text:
            raise InvalidQuestion("Please type a question.")
        if not is_storable(text):
            raise InvalidQuestion("Your question has characters that are no text. Please type it again.")
        if len(text) > self._max_characters:
            raise InvalidQuestion(
                f"Your question has {len(text):,} characters; please keep it under {self._max_characters:,}."
            )
        try:
            return self._record(replace(inbound, text=text))
        except DuplicateKey:  # its twin was faster
            return self._record(replace(inbound, text=text))

    def _record(self, inbound: InboundQuestion) -> Accepted:
        with self._database.writing() as session:
            known = questions.find_by_key(session, inbound.message_keys)
            if known:
                DUPLICATES.labels(channel=inbound.channel).inc()
                log.info("duplicate dropped", extra={"question_id": known.question_id, "channel": inbound.channel})
                return known
            accepted = questions.record(session, inbound)
            job = outbox.write(session, answer_question(accepted.question_id))
        QUESTIONS.labels(channel=inbound.channel).inc()
        log.info("question accepted", extra={"question_id": accepted.question_id, "channel": inbound.channel})
        outbox.send(self._database, self._queue, [job])
        return accepted
