"""Finds what went missing on the way, every few seconds: questions, deliveries, notices, jobs; and tells who waits."""

from __future__ import annotations

import logging
from contextlib import suppress

from answerloop.db import outbox
from answerloop.db.repositories import deliveries, posts, processes, questions
from answerloop.db.session import Database
from answerloop.db.tables import DeliveryRow, NoticeRow, now
from answerloop.errors import QueueUnavailable
from answerloop.observability import ATTEMPTS_LOST
from answerloop.ports import TaskQueue
from answerloop.tasks import DELIVER, answer_question, deliver_answer, deliver_notice, show_progress

log = logging.getLogger(__name__)

NEWS_AT_ONCE = 50


class Recovery:
    def __init__(self, database: Database, queue: TaskQueue) -> None:
        self._database = database
        self._queue = queue

    def recover(self) -> int:
        """Write the jobs of what went missing, and send everything that is due. Returns how many were sent."""
        with self._database.writing() as session:
            processes.forget_gone(session)
            reopened = questions.reopen(session)
            jobs = [answer_question(question_id) for question_id in reopened]
            jobs += [deliver_answer(question_id) for question_id in posts.overdue(session, DeliveryRow)]
            jobs += [deliver_notice(notice_id) for notice_id in posts.overdue(session, NoticeRow)]
            for job in jobs:
                outbox.write(session, job, not_before=now())
        lost = [question_id for question_id, is_lost in reopened.items() if is_lost]
        if lost:
            ATTEMPTS_LOST.inc(len(lost))
            log.warning("lost questions found", extra={"question_ids": lost})
        self._tell_who_waits()
        return outbox.sweep(self._database, self._queue)

    def _tell_who_waits(self) -> None:
        """News are worth little and answers much: none are sent while answers wait to be shown."""
        with self._database.reading() as session:
            waiting = deliveries.want_news(session, NEWS_AT_ONCE)
        with suppress(QueueUnavailable):
            if waiting and self._queue.depths().get(DELIVER, 0) < NEWS_AT_ONCE:
                for question_id in waiting:
                    self._queue.send(show_progress(question_id))
