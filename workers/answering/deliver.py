"""Shows answers where the questions were asked: that they arrived, how far they are, the answer, and what changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from answerloop.db import outbox
from answerloop.db.repositories import deliveries, documents, notices, posts
from answerloop.db.repositories.deliveries import Due, Waiting
from answerloop.db.repositories.documents import Standing
from answerloop.db.repositories.notices import DueNotice
from answerloop.db.session import Database
from answerloop.db.tables import DeliveryRow, NoticeRow, Posted, now
from answerloop.domain import (
    Audience,
    CitedSource,
    Confidence,
    HomeFacts,
    Notice,
    NoticeKind,
    Outcome,
    OutgoingMessage,
    Progress,
    Stage,
)
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DirectoryUnavailable, MessageDeleted
from answerloop.observability import DELIVERIES_FAILED
from answerloop.ports import ChatDelivery, Directory, TaskQueue
from answerloop.tasks import deliver_answer, deliver_notice, withdraw_answer
from workers.answering.posting import Posting

log = logging.getLogger(__name__)

RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5.0, 80.0
SOON = 4
"""So many attempts follow each other at once; what still fails is tried less and less often."""
ONE_REMINDER_IN = timedelta(hours=24)
NOT_SHOWN = (
    "I could not show the answer to “{question}” where you asked. If I am not in that channel, invite me; "
    "or send me a direct message."
)
MOST_QUESTION = 200
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
        home: Callable[[str, str], HomeFacts],
    ) -> None:
        """`home` tells a person of a channel what the assistant knows."""
        self._database = database
        self._queue = queue
        self._channels = {channel.channel: channel for channel in channels}
        self._directory = directory
        self._reminder = reminder
        self._home = home
        self._posting = Posting(database)

    def progress(self, question_id: str) -> None:
        """Say that the question arrived, or how far it is. Nobody waits for this: what fails is left to the answer."""
        with self._database.reading() as session:
            waiting = deliveries.waiting(session, question_id)
        if waiting is None:
            return
        chat, address = self._channels[waiting.channel], waiting.address

        try:
            news = self._readable_news(waiting)

            def show(message_id: str | None) -> str | None:
                if message_id is None:
                    return chat.open(address, news)
                chat.show(address, message_id, news)
                return message_id

            if chat.has_placeholder(address):
                self._posting.put(DeliveryRow, question_id, chat, address, show)
            else:
                chat.open(address, news)
        except (DeliveryUnavailable, DeliveryImpossible, DirectoryUnavailable) as error:
            log.info("progress not shown", extra={"question_id": question_id, "error": str(error)})
        self._repair(question_id)

    def _repair(self, question_id: str) -> None:
        """News that came after the answer, or after its end, must not stand."""
        with self._database.reading() as session:
            if deliveries.waiting(session, question_id) is not None:
                return  # as nearly always, so nobody else who writes is held up for it
        with self._database.writing() as session:
            deliveries.redo(session, question_id)
            job = deliver_answer(question_id) if deliveries.due(session, question_id) else withdraw_answer(question_id)
            row = outbox.write(session, job)
        outbox.send(self._database, self._queue, [row])

    def deliver(self, question_id: str) -> None:
        """Show the answer as it stands now. A second job for the same state of it finds it shown."""
        with self._database.writing(beside_others=True) as session:
            due = deliveries.due(session, question_id)
        if due is None:
            self.withdraw(question_id)  # if that is why
            return
        try:
            self._show(question_id, due, self._as_readable(due))
        except (DeliveryUnavailable, DirectoryUnavailable) as error:
            self._try_again(DeliveryRow, question_id, error, due.attempt)
            return
        except DeliveryImpossible as error:
            self._give_up(due, question_id, error)
            return
        self._delivered(question_id, due)

    def _show(self, question_id: str, due: Due, message: OutgoingMessage) -> None:
        """In place of the news. When somebody has deleted those, they still want the answer; once it was shown, no
        more."""
        chat, waiting = self._channels[due.channel], Progress(question_id, Stage.WRITING)
        place = None if chat.searchable else lambda: chat.open(due.address, waiting)

        def put() -> None:
            self._posting.put(
                DeliveryRow,
                question_id,
                chat,
                due.address,
                lambda there: chat.deliver(due.address, there, message),
                place=place,
            )

        try:
            put()
        except MessageDeleted:
            if due.shown_before:
                raise
            with self._database.writing() as session:
                posts.forget(session, DeliveryRow, question_id)
            put()

    def _as_readable(self, due: Due) -> OutgoingMessage:
        """Rights are asked again before it is shown: somebody may have joined the room, or a document been closed."""
        sources = due.message.sources
        readable = self._readable(due.tenant, due.room, due.message.asker, sources)
        if not _all_cited(sources, readable):
            return replace(
                due.message,
                text=WITHHELD,
                sources=(),
                outcome=Outcome.ABSTAINED,
                confidence=Confidence.DONT_KNOW,
                verified=False,
            )
        marks = {readable[source.passage.document_id].sensitivity for source in sources if source.cited}
        return replace(due.message, sources=_only(sources, readable), sensitivity=", ".join(sorted(marks - {""})))

    def _readable_news(self, waiting: Waiting) -> Progress:
        """Titles and first words are told by the same rights as the answer."""
        news = waiting.progress
        readable = self._readable(waiting.tenant, waiting.room, waiting.asker, news.sources)
        told = news.text if _all_cited(news.sources, readable) else ""
        return replace(news, text=told, sources=_only(news.sources, readable))

    def _readable(
        self, tenant: str, room: str | None, asker: str, sources: Sequence[CitedSource]
    ) -> Mapping[str, Standing]:
        """The documents among these that everybody there may read right now. Raises DirectoryUnavailable."""
        if not sources:
            return {}
        people = self._directory.members(room) if room else [self._directory.person(asker)]
        with self._database.reading() as session:
            return documents.still_readable(
                session, Audience.of(tenant, people), {source.passage.document_id for source in sources}
            )

    def _delivered(self, question_id: str, due: Due) -> None:
        jobs = []
        reminds = bool(self._reminder) and due.channel != "web" and due.message.outcome is Outcome.ANSWERED
        with self._database.writing(beside_others=not reminds) as session:  # one reminder, whatever else is delivered
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
            if reminds:
                whose = notices.reminders_of(due.message.asker)
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
            self._try_again(DeliveryRow, question_id, error, shown.attempt)
            return
        except DeliveryImpossible as error:
            log.warning("message cannot be withdrawn", extra={"question_id": question_id, "error": str(error)})
        with self._database.writing() as session:
            posts.done(session, DeliveryRow, question_id, shown.attempt)
            calls = notices.redo(session, NoticeKind.ESCALATION, question_id)  # they quote the question
            jobs = [outbox.write(session, deliver_notice(call)) for call in calls]
        outbox.send(self._database, self._queue, jobs)

    def notify(self, notice_id: str) -> None:
        """Tell what is to be told beside an answer; take it away when that was taken back."""
        with self._database.writing() as session:
            due = notices.due(session, notice_id)
        if due is None:
            return
        chat = self._channels[due.channel]
        try:
            notice = self._as_known_now(due)

            def show(there: str | None) -> str | None:
                if not due.taken_back:
                    return chat.notify(due.address, there, notice)
                if there is not None:
                    chat.withdraw(due.address, there)
                return there

            once = not chat.searchable and not notice.kind.is_public
            self._posting.put(NoticeRow, notice_id, chat, due.address, show, once=once)
        except (DeliveryUnavailable, DirectoryUnavailable) as error:
            self._try_again(NoticeRow, notice_id, error, due.attempt)
            return
        except DeliveryImpossible as error:
            log.warning("notice cannot be shown", extra={"notice_id": notice_id, "error": str(error)})
            with self._database.writing() as session:
                posts.done(session, NoticeRow, notice_id, due.attempt, failure=str(error))
            return
        with self._database.writing() as session:
            posts.done(session, NoticeRow, notice_id, due.attempt)

    def _as_known_now(self, due: DueNotice) -> Notice:
        if due.notice.kind is not NoticeKind.HOME:
            return due.notice
        return replace(due.notice, home=self._home(due.channel, due.notice.people[0]))

    def _try_again(
        self, table: type[Posted], row_id: str, error: DeliveryUnavailable | DirectoryUnavailable, attempt: int
    ) -> None:
        """A worker never sleeps for a platform: whatever looks for what is overdue writes the next job."""
        pause = min(RETRY_SECONDS * 2 ** max(0, min(attempt, 20) - SOON), LONGEST_RETRY_SECONDS)
        log.warning("will be shown later", extra={"table": table.__name__, "id": row_id, "error": str(error)})
        with self._database.writing() as session:
            posts.later(session, table, row_id, timedelta(seconds=error.retry_after_seconds or pause))

    def _give_up(self, due: Due, question_id: str, error: DeliveryImpossible) -> None:
        """The answer stays in the database. The operator is told, and whoever still waits for it."""
        DELIVERIES_FAILED.labels(channel=due.channel).inc()
        extra = {"question_id": question_id, "channel": due.channel, "error": str(error)}
        log.error("answer cannot be shown", extra=extra)
        jobs = []
        with self._database.writing() as session:
            posts.done(session, DeliveryRow, question_id, due.attempt, failure=str(error))
            if not due.shown_before:
                question = " ".join(due.message.question.split())[:MOST_QUESTION]
                notice = notices.write(
                    session,
                    f"not shown:{question_id}",
                    NoticeKind.REFUSED,
                    due.channel,
                    due.address,
                    text=NOT_SHOWN.format(question=question),
                    question_id=question_id,
                )
                jobs += [outbox.write(session, deliver_notice(notice))] if notice else []
        outbox.send(self._database, self._queue, jobs)


def _all_cited(sources: Sequence[CitedSource], readable: Collection[str]) -> bool:
    return all(source.passage.document_id in readable for source in sources if source.cited)


def _only(sources: Sequence[CitedSource], readable: Collection[str]) -> tuple[CitedSource, ...]:
    return tuple(source for source in sources if source.passage.document_id in readable)
