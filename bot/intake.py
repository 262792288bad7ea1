"""The one way in for questions of every channel: a row and its job are committed before anything is acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from answerloop.db import outbox
from answerloop.db.outbox import Post
from answerloop.db.repositories import answers, arrivals, deliveries, questions
from answerloop.db.repositories.arrivals import Accepted
from answerloop.db.session import Database, DuplicateKey
from answerloop.db.tables import OutboxRow, now
from answerloop.db.together import Together
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
Stored = tuple[Accepted | None, list[OutboxRow]]
"""None for a question that was one too many."""


class Intake:
    """Accepts questions. The same message delivered again is the same question, however often and however parallel."""

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        max_characters: int,
        per_person: int,
        post: Post | None = None,
    ) -> None:
        """`post` sends the jobs; without it that is done before a question counts as accepted."""
        self._database = database
        self._together = Together(database, self._store, beside_others=True)
        self._post = post or partial(outbox.send, database, queue)
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
        accepted, jobs = self._together.write(inbound)
        if accepted is None:
            raise TooManyQuestions(
                f"You have asked {self._per_person} questions in ten minutes. "
                "I need a moment; please ask again a little later."
            )
        if not accepted.fresh:
            DUPLICATES.labels(channel=inbound.channel).inc()
            log.info("duplicate dropped", extra={"question_id": accepted.question_id, "channel": inbound.channel})
            return accepted
        QUESTIONS.labels(channel=inbound.channel).inc()
        log.info("question accepted", extra={"question_id": accepted.question_id, "channel": inbound.channel})
        self._post(jobs)
        return accepted

    def _store(self, session: Any, inbounds: Sequence[InboundQuestion]) -> list[Stored]:
        stored: dict[int, Stored] = {}
        for places in _rounds(inbounds):
            stored |= zip(places, self._store_round(session, [inbounds[place] for place in places]), strict=True)
        return [stored[place] for place in range(len(inbounds))]

    def _store_round(self, session: Any, inbounds: Sequence[InboundQuestion]) -> list[Stored]:
        """Questions that have nothing to do with each other, with a few statements for all of them."""
        known = arrivals.find_by_keys(session, [key for inbound in inbounds for key in inbound.message_keys])
        asked = arrivals.asked_since(session, [inbound.asker for inbound in inbounds], now() - WINDOW)
        fresh = [
            inbound
            for inbound in inbounds
            if known.keys().isdisjoint(inbound.message_keys) and asked.get(inbound.asker, 0) < self._per_person
        ]
        stored: dict[tuple[str, ...], Stored] = {
            inbound.message_keys: (accepted, _write_jobs(session, inbound, accepted.question_id))
            for inbound, accepted in zip(fresh, arrivals.record(session, fresh), strict=True)
        }
        return [stored.get(inbound.message_keys) or (_first(known, inbound.message_keys), []) for inbound in inbounds]

    def owner_of(self, channel: str, conversation_key: str) -> str | None:
        """Who began the conversation; None when it is none of ours."""
        with self._database.reading() as session:
            return questions.owner_of(session, channel, conversation_key)

    def edit(self, message_key: str, text: str) -> None:
        """The person has changed their message: answered anew in its place, unless it is answered already. Raises
        InvalidQuestion."""
        text = self._checked(text)
        with self._database.writing() as session:
            known = arrivals.find_by_key(session, (message_key,))
            if known is None or not questions.edit(session, known.question_id, text):
                return
            job = outbox.write(session, answer_question(known.question_id))
        log.info("question edited", extra={"question_id": known.question_id})
        self._post([job])

    def withdraw(self, message_key: str) -> None:
        """The person has deleted their message: nobody answers it, and what was answered goes too."""
        with self._database.writing() as session:
            known = arrivals.find_by_key(session, (message_key,))
            if known is None:
                return
            if not questions.cancel(session, known.question_id):
                view = answers.view(session, known.question_id)
                if view is None or answers.retract(session, view.answer_id) is None:
                    return
            deliveries.redo(session, known.question_id)
            job = outbox.write(session, withdraw_answer(known.question_id))
        log.info("question withdrawn", extra={"question_id": known.question_id})
        self._post([job])


def _rounds(inbounds: Sequence[InboundQuestion]) -> list[list[int]]:
    """Their places; those who share a message, an asker or a conversation come one after the other."""
    rounds: list[tuple[set[object], list[int]]] = []
    for place, inbound in enumerate(inbounds):
        marks: set[object] = {
            *inbound.message_keys,
            ("asker", inbound.asker),
            (inbound.channel, inbound.conversation_key),
        }
        for taken, places in rounds:
            if taken.isdisjoint(marks):
                taken.update(marks)
                places.append(place)
                break
        else:
            rounds.append((marks, [place]))
    return [places for _, places in rounds]


def _write_jobs(session: Any, inbound: InboundQuestion, question_id: str) -> list[OutboxRow]:
    """Somebody must tell people in a chat that their question arrived; the web page sees for itself."""
    told = [show_progress(question_id)] if inbound.address else []
    return [outbox.write(session, job) for job in (*told, answer_question(question_id))]


def _first(known: Mapping[str, Accepted], keys: Iterable[str]) -> Accepted | None:
    return next((known[key] for key in keys if key in known), None)
