"""Approved answers do not outlive what they stand on, nor their time: they are withdrawn, and judged anew."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any

from answerloop.auditing import Withdrawal
from answerloop.db.repositories import alarms, corrected, corrections, curated
from answerloop.db.repositories.curated import Ageing, Hashes
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.errors import QueueUnavailable
from answerloop.ports import TaskQueue
from answerloop.tasks import correct_answer

log = logging.getLogger(__name__)

WARN_BEFORE = timedelta(days=14)
KIND_CHANGED, KIND_EXPIRED, KIND_EXPIRING = "curated_changed", "curated_expired", "curated_expiring"
CHANGED = "A document that it stands on has changed, is gone or was replaced."
EXPIRED = "Its time is over."
WITHDRAWN = "Approved answer {reference}: {because} It is not given any more: please judge it anew."
EXPIRING = "Approved answer {reference} is given until {day}: please judge it anew before that."
_REFERENCE = 8


class CuratedUpkeep:
    """What is not as it was is not given any more from that moment on, whether this has run or not."""

    def __init__(self, database: Database, queue: TaskQueue) -> None:
        self._database = database
        self._queue = queue
        self._hashes: Hashes = {}

    def run(self) -> int:
        """How many were withdrawn. Twice at once does the same as once."""
        self._find_lost_jobs()
        return self._withdraw_what_is_over()

    def _find_lost_jobs(self) -> None:
        with self._database.reading() as session:
            answers = corrected.not_in_line(session)
        for answer_id in answers:
            with suppress(QueueUnavailable):  # it is found again the next time
                self._queue.send(correct_answer(answer_id))

    def _withdraw_what_is_over(self) -> int:
        with self._database.reading() as session:
            if not curated.ageing(session, WARN_BEFORE, self._hashes):
                return 0
        with self._database.writing() as session:
            found = curated.ageing(session, WARN_BEFORE, self._hashes)
            over = [each for each in found if each.changed or each.expires_at <= now()]
            for each in found:
                if each in over:
                    self._withdraw(session, each)
                else:
                    self._warn(session, each)
        if over:
            log.info("approved answers withdrawn", extra={"correction_ids": [each.correction_id for each in over]})
        return len(over)

    def _warn(self, session: Any, each: Ageing) -> None:
        """Once: whoever has cleared the alarm has heard it."""
        if not curated.was_sounded(session, _key(KIND_EXPIRING, each)):
            text = EXPIRING.format(reference=each.correction_id[:_REFERENCE], day=f"{each.expires_at:%-d %B %Y}")
            alarms.ring(session, _key(KIND_EXPIRING, each), KIND_EXPIRING, text)

    def _withdraw(self, session: Any, each: Ageing) -> None:
        kind, because, reason = KIND_EXPIRED, Withdrawal.EXPIRED, EXPIRED
        if each.changed:
            kind, because, reason = KIND_CHANGED, Withdrawal.SOURCE, CHANGED
        corrections.withdraw(session, each.correction_id, because, reason)
        corrections.reopen(session, each.answer_id)
        alarms.clear(session, _key(KIND_EXPIRING, each))
        text = WITHDRAWN.format(reference=each.correction_id[:_REFERENCE], because=reason)
        alarms.ring(session, _key(kind, each), kind, text)


def _key(kind: str, each: Ageing) -> str:
    return f"{kind}:{each.correction_id}"
