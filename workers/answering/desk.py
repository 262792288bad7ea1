"""One question from claim to answer: hold the lease, run the pipeline, write the answer and its delivery's job."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from answerloop.db import outbox
from answerloop.db.repositories import answers, question_vectors, questions
from answerloop.db.repositories.answers import LeaseLost
from answerloop.db.repositories.questions import Claim
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.domain import (
    BASE_ADAPTER,
    Action,
    AnswerDraft,
    Audience,
    CitedSource,
    Confidence,
    Decision,
    Outcome,
    Stage,
    Usage,
)
from answerloop.errors import (
    AnswerloopError,
    ConfigurationError,
    DeliveryImpossible,
    DirectoryUnavailable,
    QueueUnavailable,
    Retryable,
)
from answerloop.heartbeat import Heartbeat
from answerloop.observability import ANSWER_SECONDS, ANSWERS
from answerloop.placeholders import Placeholders
from answerloop.ports import Directory, Embedder, Redactor, TaskQueue
from answerloop.tasks import deliver_answer, show_progress
from workers.answering.pipeline import Asked, Pipeline

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 4
RETRY_SECONDS = (1.0, 5.0, 20.0)
DIRECTORY_SECONDS = 5.0
DIRECTORY_PATIENCE = timedelta(hours=1)
"""For so long a directory may say nothing: it tells of a large workspace in parts, and that is no fault."""
SLOW_SECONDS = 1.0
"""Whose answer takes longer than this is shown what is being done."""


class AnswerDesk:
    """Takes one question at a time from the queue and sees it through."""

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        pipeline: Pipeline,
        directory: Directory,
        heartbeat: Heartbeat,
        lease: timedelta,
        history_turns: int,
        redactor: Redactor,
        embedder: Embedder | None = None,
    ) -> None:
        """Without `embedder` no vectors of questions are kept."""
        self._database = database
        self._queue = queue
        self._pipeline = pipeline
        self._directory = directory
        self._heartbeat = heartbeat
        self._lease = lease
        self._history_turns = history_turns
        self._redactor = redactor
        self._embedder = embedder

    def answer(self, question_id: str) -> None:
        """Answer it, unless it is answered or in other hands. A second delivery of the job changes nothing."""
        with self._database.writing(beside_others=True) as session:
            claim = questions.claim(session, question_id, self._lease)
        if claim is None:
            log.info("nothing to do", extra={"question_id": question_id})
            return
        try:
            with self._heartbeat.during(lambda: self._renew(claim)):
                self._finish(claim, self._draft(claim))
        except LeaseLost:
            log.warning("lease lost, another worker answers", extra={"question_id": question_id})
        except (Retryable, ConfigurationError) as error:
            self._try_again(claim, error)
        except DeliveryImpossible as error:
            log.warning("nobody can be answered there", extra={"question_id": question_id, "error": str(error)})
            self._finish(claim, _apology(claim, str(error)))
        except Exception:
            log.exception("answering failed", extra={"question_id": question_id})
            self._finish(claim, _apology(claim, "internal error"))

    def _draft(self, claim: Claim) -> AnswerDraft:
        if claim.attempts > MAX_ATTEMPTS:
            return _apology(claim, f"gave up after {MAX_ATTEMPTS} attempts")
        audience, alone = self._audiences(claim)
        with self._database.reading() as session:
            history = questions.history(session, claim, audience, self._history_turns)

        started = time.monotonic()

        def show(stage: Stage, text: str = "", sources: Sequence[CitedSource] | None = None) -> None:
            with self._database.writing(beside_others=True) as session:
                answers.progress(session, claim, self._lease, stage=stage, text=text, sources=sources)
            if claim.channel != "web" and time.monotonic() - started > SLOW_SECONDS:
                with suppress(QueueUnavailable):  # news, not an answer: the next ones come soon
                    self._queue.send(show_progress(claim.question_id))

        return self._pipeline.answer(
            Asked(claim.text, history, audience, alone, claim.sources, claim.conversation_id), show
        )

    def _audiences(self, claim: Claim) -> tuple[Audience, Audience | None]:
        """All who will read the answer; and, where those are others too, the asker alone. Who asks in a room reads what
        is answered there, whether the platform names them among its members or not (shared channels of Teams)."""
        asker = self._directory.person(claim.asker)
        alone = Audience.of(claim.tenant, [asker])
        if claim.room is None:
            return alone, None
        members = self._directory.members(claim.room)
        return Audience.of(claim.tenant, [*members, asker] if members else []), alone

    def _finish(self, claim: Claim, draft: AnswerDraft) -> None:
        """The answer, the end of its question and the job that delivers it, in one transaction."""
        with self._database.writing(beside_others=True) as session:
            answers.finish(session, claim, self._lease, draft)
            job = outbox.write(session, deliver_answer(claim.question_id))
        outbox.send(self._database, self._queue, [job])
        seconds = (now() - claim.created_at).total_seconds()
        ANSWERS.labels(channel=claim.channel, outcome=draft.outcome.value).inc()
        ANSWER_SECONDS.labels(channel=claim.channel).observe(seconds)
        log.info(
            "question answered",
            extra={
                "question_id": claim.question_id,
                "outcome": draft.outcome.value,
                "model": draft.model,
                "seconds": round(seconds, 3),
                "timings_ms": draft.timings_ms,
            },
        )
        self._store_masked(claim, draft)

    def _store_masked(self, claim: Claim, draft: AnswerDraft) -> None:
        """What may leave the house; after the delivery, which does not wait for it. When it fails, nothing may."""
        try:
            question = self._redactor.mask(claim.text, Placeholders())
            answer = self._redactor.mask(draft.text, question.placeholders)
            cited = [source.passage.text for source in draft.sources if source.cited]
            text = answer.placeholders.restore_published(answer.text, cited)
            with self._database.writing(beside_others=True) as session:
                answers.store_masked(session, claim.question_id, question.text, text)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer stands; its message may quote the text
            log.warning(
                "masking failed, nothing of this may leave the house",
                extra={"question_id": claim.question_id, "error": type(error).__name__},
            )
        else:
            self._store_vector(claim.question_id, question.text)

    def _store_vector(self, question_id: str, masked: str) -> None:
        """Of what may be kept without the person: for whatever compares questions."""
        if self._embedder is None:
            return
        try:
            vector = self._embedder.embed([masked])[0].astype("<f4").tobytes()
            with self._database.writing(beside_others=True) as session:
                question_vectors.store(session, question_id, self._embedder.name, vector)
        except Exception as error:  # noqa: BLE001 - the answer stands without it
            log.warning("no vector", extra={"question_id": question_id, "error": type(error).__name__})

    def _renew(self, claim: Claim) -> None:
        with self._database.writing(beside_others=True) as session:
            questions.renew(session, claim, self._lease)

    def _try_again(self, claim: Claim, error: AnswerloopError) -> None:
        """Open the question again, from a while on. A database that is down leaves that to the lease."""
        log.warning("will try again", extra={"question_id": claim.question_id, "error": str(error)})
        seconds, counts = RETRY_SECONDS[min(claim.attempts, len(RETRY_SECONDS)) - 1], True
        if isinstance(error, DirectoryUnavailable):
            seconds = error.retry_after_seconds or DIRECTORY_SECONDS
            counts = now() - claim.created_at >= DIRECTORY_PATIENCE
        with self._database.writing(beside_others=True) as session:
            questions.release(session, claim, timedelta(seconds=seconds), counts=counts)


def _apology(claim: Claim, reason: str) -> AnswerDraft:
    return AnswerDraft(
        text=f"Sorry, something went wrong on our side. Please ask again; the reference is {claim.question_id[:8]}.",
        outcome=Outcome.FAILED,
        confidence=Confidence.DONT_KNOW,
        sources=(),
        model="none",
        usage=Usage(BASE_ADAPTER, 0, 0),
        index_version="",
        timings_ms={},
        scores={},
        reason=reason,
        decision=Decision(Action.FAILED, reason),
    )
