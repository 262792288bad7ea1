"""What reviewers have said, taken over: bit by bit behind a cursor, and now and then all of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from answerloop.auditing import AuditedTask
from answerloop.db import outbox
from answerloop.db.fence import Fence
from answerloop.db.repositories import alarms, audit_pushes, judgements, review_progress
from answerloop.db.repositories.review_progress import Progress
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.errors import ReviewQueueUnavailable
from answerloop.ports import ReviewQueue, TaskQueue
from review import words
from review.audit_tasks import NOT_READABLE

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=2)
"""How late a change may be seen that was being written when we looked."""

Seen = dict[str, dict[str, bool]]
"""Audit id → its tasks, the oldest first → whether anything is said there."""


class Restored(ReviewQueueUnavailable):
    """What stands in the queue has become older while we read it."""


class JudgementReader:
    def __init__(self, database: Database, queue: TaskQueue, reviews: ReviewQueue, reviewers_group: str) -> None:
        self._database = database
        self._queue = queue
        self._reviews = reviews
        self._group = reviewers_group

    def pull(self, fence: Fence, progress: Progress) -> int:
        read = 0
        for page in self._reviews.changes(progress.project or "", _since(progress)):
            progress = self._take_over(fence, progress, page)
            progress = self._move_on(fence, progress, page)
            read += len(page)
        return read

    def sweep(self, fence: Fence, progress: Progress, *, restored: bool = False) -> int:
        seen: Seen = {}
        for page in self._reviews.everything(progress.project or ""):
            fence.renew()
            progress = self._take_over(fence, progress, page, restored=restored)
            for task in page:
                seen.setdefault(task.audit_id, {})[task.task_id] = bool(task.judgements)
        unwanted = [*self._settle(fence, progress.project or "", seen, restored=restored), *_twins(seen)]
        self._reviews.withdraw(progress.project or "", unwanted)
        if unwanted:
            log.warning("tasks withdrawn", extra={"tasks": unwanted})
        return sum(map(len, seen.values()))

    # --- steps

    def _take_over(
        self, fence: Fence, progress: Progress, page: Sequence[AuditedTask], *, restored: bool = False
    ) -> Progress:
        """Write what is new, with its jobs. The mark goes up before, so that a backup which does not hold it is known
        for what it is when it is restored later."""
        with self._database.reading() as session:
            if not judgements.news(session, page, restored=restored):
                return progress
        if not restored:
            progress = self._raise_mark(progress)
        with fence.writing() as session:
            jobs = judgements.take_over(session, page, restored=restored)
            review_progress.save(session, mark=progress.mark)
        outbox.send(self._database, self._queue, jobs)
        return progress

    def _raise_mark(self, progress: Progress) -> Progress:
        """Raises Restored when what was just read may come from an older queue than the one that was opened."""
        identity = self._reviews.open(progress.project)
        if identity.project != progress.project or identity.mark < progress.mark:
            raise Restored("The review queue was put back to an earlier state.")
        self._reviews.leave_mark(identity.project, progress.mark + 1)
        return replace(progress, mark=progress.mark + 1)

    def _move_on(self, fence: Fence, progress: Progress, page: Sequence[AuditedTask]) -> Progress:
        """Never past our own clock: one time in the future would hide everything that comes before it."""
        seen = max((task.changed_at for task in page if task.changed_at <= now()), default=None)
        if seen is None or (progress.cursor and seen <= progress.cursor):
            return progress
        progress = replace(progress, cursor=seen, moved_at=now())
        with fence.writing() as session:
            review_progress.save(session, cursor=progress.cursor, moved_at=progress.moved_at)
        return progress

    def _settle(self, fence: Fence, project: str, seen: Seen, *, restored: bool) -> list[str]:
        """Make our rows agree with what tasks there are. Returns the tasks that should not be there."""
        with fence.writing() as session:
            found = audit_pushes.compare(session, project, seen, self._group)
            again = audit_pushes.recall(session, found.gone)
            for audit_id in found.closed_to_reviewers:
                audit_pushes.keep_in_house(session, audit_id, NOT_READABLE)
            if again and not restored:
                alarms.ring(session, "review.tasks-gone", words.KIND, words.GONE_TASKS.format(again=again))
            if found.unknown:
                unknown = words.UNKNOWN_TASKS.format(unknown=found.unknown)
                alarms.ring(session, "review.unknown-tasks", words.KIND, unknown)
            else:
                alarms.clear(session, "review.unknown-tasks")
        closed = (task for audit_id in found.closed_to_reviewers for task in seen.get(audit_id, ()))
        return [*found.unwanted, *closed]


def _since(progress: Progress) -> datetime | None:
    """A little before the cursor as long as something may come late."""
    if progress.cursor is None or progress.moved_at is None:
        return None
    settled = now() - progress.moved_at > OVERLAP
    return progress.cursor if settled else progress.cursor - OVERLAP


def _twins(seen: Mapping[str, Mapping[str, bool]]) -> list[str]:
    """Second tasks of an audit that nobody has said anything of; the first stays in any case."""
    return [
        task for tasks in seen.values() for place, (task, said) in enumerate(tasks.items()) if place > 0 and not said
    ]
