"""Shows answers where the questions were asked: that they arrived, how far they are, the answer, and what changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from answerloop.db import outbox
from answerloop.db.repositories import deliveries, documents, notices, posts
from answerloop.db.repositories.deliveries import Due
from answerloop.db.session import Database
from answerloop.db.tables import DeliveryRow, NoticeRow, Posted, now
from answerloop.domain import Audience, Confidence, NoticeKind, Outcome, OutgoingMessage, Progress, Stage
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DirectoryUnavailable
from answerloop.observability import DELIVERIES_FAILED
from answerloop.ports import ChatDelivery, Directory, Job, TaskQueue
from answerloop.tasks import deliver_answer, deliver_notice, withdraw_answer
from workers.answering.posting import Posting

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
ONE_REMINDER_IN = timedelta(hours=24)
WITHHELD = "This answer stood on a document that not everybody here may read any more."


class DeliveryDesk:
    """Each method may be called any number of times, by any worker: what people see is the same."""

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        channels: Sequence[ChatDelivery],
        directory: Directory,
        reminder: timedelta,
    ) -> None:
        self._database = database
        self._queue = queue
        self._channels = {channel.channel: channel for channel in channels}
        self._directory = directory
        self._reminder = reminder
        self._posting = Posting(database)

    def progress(self, question_id: str) -> None:
        """Say that the question arrived, or how far it is. Nobody waits for this: what fails is left to the answer."""
        with self._database.reading() as session:
            waiting = deliveries.waiting(session, question_id)
        if waiting is None:
            return
        chat, address, progress = self._channels[waiting.channel], waiting.address, waiting.progress

        def show(message_id: str | None) -> str | None:
            if message_id is None:
                return chat.open(address, progress)
            chat.show(address, message_id, progress)
            return message_id

        try:
            self._posting.put(DeliveryRow, question_id, chat, address, show)
        except (DeliveryUnavailable, DeliveryImpossible) as error:
            log.info("progress not shown", extra={"question_id": question_id, "error": str(error)})
        self._repair(question_id)

    def _repair(self, question_id: str) -> None:
        """News that came after the answer, or after its end, must not stand."""
        with self._database.writing() as session:
            if deliveries.waiting(session, question_id) is not None:
                return
            deliveries.redo(session, question_id)
            job = deliver_answer(question_id) if deliveries.due(session, question_id) else withdraw_answer(question_id)
            row = outbox.write(session, job)
        outbox.send(self._database, self._queue, [row])

    def deliver(self, question_id: str) -> None:
        """Show the answer as it stands now. A second job for the same state of it finds it shown."""
        with self._database.writing() as session:
            due = deliveries.due(session, question_id)
        if due is None:
            self.withdraw(question_id)  # if that is why
            return
        chat = self._channels[due.channel]
        try:
            message, waiting = self._as_readable(due), Progress(question_id, Stage.WRITING)
            self._posting.put(
                DeliveryRow,
                question_id,
                chat,
                due.address,
                lambda there: chat.deliver(due.address, there, message),
                place=None if chat.searchable else lambda: chat.open(due.address, waiting),
            )
        except (DeliveryUnavailable, DirectoryUnavailable) as error:
            self._try_again(DeliveryRow, deliver_answer(question_id), error)
            return
        except DeliveryImpossible as error:
            self._give_up(due, question_id, error)
            return
        self._delivered(question_id, due)

    def _as_readable(self, due: Due) -> OutgoingMessage:
        """Rights are asked again at the last moment: somebody may have joined the room, or a document been closed."""
        sources = due.message.sources
        if not sources:
            return due.message
        people = self._directory.members(due.room) if due.room else [self._directory.person(due.message.asker)]
        with self._database.reading() as session:
            readable = documents.still_readable(
                session, Audience.of(due.tenant, people), {source.passage.document_id for source in sources}
            )
        hidden = [source for source in sources if source.passage.document_id not in readable]
        if any(source.cited for source in hidden):
            return replace(
                due.message,
                text=WITHHELD,
                sources=(),
                outcome=Outcome.ABSTAINED,
                confidence=Confidence.DONT_KNOW,
            )
        marks = {readable[source.passage.document_id].sensitivity for source in sources if source.cited}
        return replace(
            due.message,
            sources=tuple(source for source in sources if source not in hidden),
            sensitivity=", ".join(sorted(marks - {""})),
        )

    def _delivered(self, question_id: str, due: Due) -> None:
        jobs = []
        with self._database.writing() as session:
            posts.done(session, DeliveryRow, question_id, due.attempt)
            if due.hint:
                notice = notices.write(
                    session,
                    f"hint:{question_id}",
                    NoticeKind.HINT,
                    due.channel,
                    due.address,
                    text=due.hint,
                    question_id=question_id,
                )
                jobs += [outbox.write(session, deliver_notice(notice))] if notice else []
            if self._reminder and due.channel != "web" and due.message.outcome is Outcome.ANSWERED:
                whose = f"reminder:{due.message.asker}:"
                if not notices.reminded_since(session, whose, now() - ONE_REMINDER_IN):
                    notices.write(
                        session,
                        f"{whose}{question_id}",
                        NoticeKind.REMINDER,
                        due.channel,
                        due.address,
                        question_id=question_id,
                        due_at=now() + self._reminder,
                    )
            taken_back = deliveries.taken_back(session, question_id)
            jobs += [outbox.write(session, withdraw_answer(question_id))] if taken_back else []
        outbox.send(self._database, self._queue, jobs)
        log.info("answer delivered", extra={"question_id": question_id, "channel": due.channel})

    def withdraw(self, question_id: str) -> None:
        """Take away what is shown of a question that was cancelled or whose answer was taken back."""
        with self._database.reading() as session:
            shown = deliveries.shown(session, question_id) if deliveries.taken_back(session, question_id) else None
        if shown is None:
            return
        chat = self._channels[shown.channel]
        try:
            message_id = shown.message_id
            if message_id is None and shown.perhaps_posted:
                message_id = chat.find(shown.address, question_id)
            chat.withdraw(shown.address, message_id)
        except DeliveryUnavailable as error:
            self._try_again(DeliveryRow, withdraw_answer(question_id), error)
            return
        except DeliveryImpossible as error:
            log.info("nothing to withdraw", extra={"question_id": question_id, "error": str(error)})
        with self._database.writing() as session:
            posts.done(session, DeliveryRow, question_id, shown.attempt)

    def notify(self, notice_id: str) -> None:
        """Tell what is to be told beside an answer."""
        with self._database.writing() as session:
            due = notices.due(session, notice_id)
        if due is None:
            return
        chat = self._channels[due.channel]
        try:
            self._posting.put(
                NoticeRow,
                notice_id,
                chat,
                due.address,
                lambda there: chat.notify(due.address, there, due.notice),
                once=not chat.searchable and due.notice.kind is not NoticeKind.ESCALATION,
            )
        except DeliveryUnavailable as error:
            self._try_again(NoticeRow, deliver_notice(notice_id), error)
            return
        except DeliveryImpossible as error:
            log.warning("notice cannot be shown", extra={"notice_id": notice_id, "error": str(error)})
            with self._database.writing() as session:
                posts.done(session, NoticeRow, notice_id, due.attempt, failure=str(error))
            return
        with self._database.writing() as session:
            posts.done(session, NoticeRow, notice_id, due.attempt)

    def _try_again(self, table: type[Posted], job: Job, error: DeliveryUnavailable | DirectoryUnavailable) -> None:
        """In the queue, not here: a worker never sleeps for a platform."""
        told = error.retry_after_seconds if isinstance(error, DeliveryUnavailable) else None
        wait = timedelta(seconds=told or RETRY_SECONDS)
        log.warning("will be shown later", extra={"task": job.task, "id": job.args[0], "error": str(error)})
        with self._database.writing() as session:
            outbox.write(session, job, not_before=now() + wait)
            posts.later(session, table, job.args[0], wait)

    def _give_up(self, due: Due, question_id: str, error: DeliveryImpossible) -> None:
        """The answer stays in the database, and the operator is told."""
        DELIVERIES_FAILED.labels(channel=due.channel).inc()
        extra = {"question_id": question_id, "channel": due.channel, "error": str(error)}
        log.error("answer cannot be shown", extra=extra)
        with self._database.writing() as session:
            posts.done(session, DeliveryRow, question_id, due.attempt, failure=str(error))
