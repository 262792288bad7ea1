"""The way back of a correction: the answer that was wrong becomes the right one where it stands, and whoever asked is
told once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from answerloop.db import outbox
from answerloop.db.repositories import corrected, curated, notices
from answerloop.db.repositories.corrected import Standing
from answerloop.db.repositories.curated import Ground
from answerloop.db.session import Database
from answerloop.db.tables import OutboxRow, now
from answerloop.domain import Audience, NoticeKind
from answerloop.errors import DeliveryImpossible, DirectoryUnavailable
from answerloop.ports import Directory, TaskQueue
from answerloop.tasks import correct_answer, deliver_answer, deliver_notice
from workers.answering.grounds import shown

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
Alone = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Where the asker alone is told something, by where they asked."""


class CorrectionDesk:
    """`alone` by channel; where there is none, they are told where they asked."""

    def __init__(self, database: Database, queue: TaskQueue, directory: Directory, alone: Mapping[str, Alone]) -> None:
        self._database = database
        self._queue = queue
        self._directory = directory
        self._alone = alone

    def correct(self, answer_id: str) -> None:
        """Bring the answer in line with what is approved instead of it. A second time changes nothing."""
        with self._database.reading() as session:
            standing = corrected.standing(session, answer_id)
        try:
            grounds = self._readable(standing) if standing and standing.approved else ()
        except DirectoryUnavailable as error:
            self._later(answer_id, error)
            return
        except DeliveryImpossible as error:
            log.warning("answer cannot be corrected there", extra={"answer_id": answer_id, "error": str(error)})
            return
        with self._database.writing() as session:
            now_standing = corrected.standing(session, answer_id)
            jobs = [deliver_answer(question_id) for question_id in corrected.lose_mark(session, answer_id)]
            rows = [outbox.write(session, job) for job in jobs]
            if standing is not None and standing == now_standing:
                rows += self._brought_in_line(session, answer_id, standing, grounds)
            elif now_standing is not None:
                rows.append(outbox.write(session, correct_answer(answer_id)))
        outbox.send(self._database, self._queue, rows)

    def _readable(self, standing: Standing) -> tuple[Ground, ...]:
        """The documents of what is approved, where everybody who reads the answer may read all of them right now.

        Raises DirectoryUnavailable, DeliveryImpossible.
        """
        people = self._directory.members(standing.room) if standing.room else [self._directory.person(standing.asker)]
        with self._database.reading() as session:
            return curated.readable_grounds(session, standing.documents, Audience.of(standing.tenant, people))

    def _brought_in_line(
        self, session: Any, answer_id: str, standing: Standing, grounds: tuple[Ground, ...]
    ) -> list[OutboxRow]:
        question = standing.question_id
        if standing.approved is None:
            restored = standing.taken_back and corrected.restore(session, answer_id)
            return [outbox.write(session, deliver_answer(question))] if restored else []
        if standing.approved == standing.correction_id:
            return []
        if not grounds:
            log.info("not everybody there may read the correction", extra={"answer_id": answer_id})
            return []
        text, sources = shown(standing.text, grounds)
        corrected.correct(session, answer_id, standing.approved, text, sources)
        return [outbox.write(session, deliver_answer(question)), *self._told(session, standing)]

    def _told(self, session: Any, standing: Standing) -> list[OutboxRow]:
        if not corrected.can_be_told(session, standing.question_id):
            return []
        where = self._alone.get(standing.channel, dict)
        notice = notices.write(
            session,
            f"corrected:{standing.question_id}",
            NoticeKind.CORRECTED,
            standing.channel,
            where(standing.address),
            people=(standing.asker,),
            question_id=standing.question_id,
        )
        return [outbox.write(session, deliver_notice(notice))] if notice else []

    def _later(self, answer_id: str, error: DirectoryUnavailable) -> None:
        """Nobody's rights are guessed; whatever looks for what is due sends the job again."""
        wait = timedelta(seconds=error.retry_after_seconds or RETRY_SECONDS)
        with self._database.writing() as session:
            outbox.write(session, correct_answer(answer_id), not_before=now() + wait)
