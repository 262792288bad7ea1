"""Answers out to where people judge them, and what they say back. Each step may die at any moment and begins again
from the rows: what stands in the queue is looked up before anything is pushed, and what is read is compared with ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from answerloop.auditing import AuditTask
from answerloop.db.fence import Fence, alone
from answerloop.db.repositories import alarms, audit_pushes, review_progress
from answerloop.db.repositories.review_progress import Progress
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.errors import ReviewQueueRefused, ReviewQueueUnavailable, ReviewQueueUncertain, TaskRefused
from answerloop.ports import ReviewQueue, TaskQueue
from review import words
from review.audit_tasks import TaskWriter
from review.judgements_in import JudgementReader

log = logging.getLogger(__name__)

LEASE = "review.lease"
LEASE_LASTS = timedelta(seconds=90)
BATCH = 50
TOLD_AFTER = timedelta(minutes=10)
"""A queue that is away for less is not worth a word."""
ARRIVES_WITHIN = timedelta(minutes=2)
"""Tasks whose import broke off stand there by then, or never will."""


class AuditLoop:
    """What it does returns how many tasks were pushed or read, or None when another process is at it. Each raises
    ReviewQueueUnavailable, ReviewQueueRefused, DatabaseUnavailable; the operator is told, and the next try goes on."""

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        reviews: ReviewQueue,
        writer: TaskWriter,
        reviewers_group: str,
        lease: timedelta = LEASE_LASTS,
        arrives_within: timedelta = ARRIVES_WITHIN,
    ) -> None:
        self._database = database
        self._reviews = reviews
        self._writer = writer
        self._group = reviewers_group
        self._lease = lease
        self._arrives_within = arrives_within
        self._reader = JudgementReader(database, queue, reviews, reviewers_group)

    def push(self) -> int | None:
        """Whatever waits, the most urgent first."""
        return self._alone(self._push_all)

    def pull(self) -> int | None:
        """What was said since the last time."""
        return self._alone(self._reader.pull)

    def sweep(self) -> int | None:
        """Look at everything: what was deleted, and whatever else a cursor cannot see."""
        return self._alone(self._reader.sweep)

    def withdraw(self, tasks: Sequence[tuple[str, str]]) -> int | None:
        """Take away these tasks, each with its project, whose audits have let go of them."""
        return self._alone(lambda _, progress: self._withdraw(progress.project or "", tasks))

    def _alone(self, step: Callable[[Fence, Progress], int]) -> int | None:
        with alone(self._database, LEASE, self._lease) as fence:
            if fence is None:
                return None
            try:
                done = step(fence, self._open(fence))
            except (ReviewQueueUnavailable, ReviewQueueRefused) as error:
                self._tell(fence, error)
                raise
            self._all_is_well(fence)
            return done

    # --- which project it is, and how old

    def _open(self, fence: Fence) -> Progress:
        with self._database.reading() as session:
            progress = review_progress.of(session)
        identity = self._reviews.open(progress.project)
        fence.renew()
        if identity.project != progress.project:
            return self._move_in(fence, progress, identity.project, max(identity.mark, 0))
        if identity.mark < progress.mark:
            return self._after_restore(fence, progress)
        if identity.mark > progress.mark + 1:  # one more is what a process has left that died before its commit
            with fence.writing() as session:
                alarms.ring(session, "review.records-older", words.KIND, words.OLDER_RECORDS)
                review_progress.save(session, mark=identity.mark)
        return replace(progress, mark=max(identity.mark, progress.mark))

    def _move_in(self, fence: Fence, before: Progress, project: str, mark: int) -> Progress:
        """Another project than before: what was judged stands, what was not is pushed again."""
        with fence.writing() as session:
            again = audit_pushes.recall(session, audit_pushes.elsewhere(session, project))
            if before.project is not None:
                gone = words.GONE_PROJECT.format(again=again)
                alarms.ring(session, f"review.project-gone {before.project}", words.KIND, gone)
            review_progress.save(session, project=project, mark=mark, cursor=None, moved_at=None, push_after=None)
        log.info("review project", extra={"project": project, "pushed_again": again})
        return Progress(project=project, mark=mark, failing_since=before.failing_since)

    def _after_restore(self, fence: Fence, progress: Progress) -> Progress:
        """The queue has forgotten some of what we know: what we know stands, and what is missing there goes there
        again. The mark is raised last, so that a crash on the way begins anew."""
        log.warning("the review queue is older than our records", extra={"project": progress.project})
        with fence.writing() as session:
            alarms.ring(session, f"review.restored {progress.mark}", words.KIND, words.RESTORED)
        self._reader.sweep(fence, progress, restored=True)
        mark = progress.mark + 1
        self._reviews.leave_mark(progress.project or "", mark)
        with fence.writing() as session:
            review_progress.save(session, mark=mark, cursor=None, moved_at=None)
        return replace(progress, mark=mark, cursor=None, moved_at=None)

    # --- out

    def _push_all(self, fence: Fence, progress: Progress) -> int:
        if progress.push_after and now() < progress.push_after:
            return 0
        done = 0
        tried: set[str] = set()
        while True:
            with self._database.reading() as session:
                batch = audit_pushes.waiting(session, BATCH, self._group, but_not=tried)
            if not batch:
                return done
            tried |= {audit.audit_id for audit in batch}
            out = self._writer.sort(batch)
            with fence.writing() as session:
                for audit_id in out.withdrawn:
                    audit_pushes.close(session, audit_id)
                for audit_id, why in out.in_house.items():
                    audit_pushes.keep_in_house(session, audit_id, why)
            done += self._push(fence, progress.project or "", out.tasks)

    def _push(self, fence: Fence, project: str, tasks: Sequence[AuditTask]) -> int:
        if not tasks:
            return 0
        try:
            there = self._reviews.push(project, tasks)
        except TaskRefused as error:
            if len(tasks) > 1:  # which of them is it?
                return sum(self._push(fence, project, [task]) for task in tasks)
            return self._refused(fence, tasks[0].audit_id, str(error))
        except ReviewQueueUncertain:
            with fence.writing() as session:
                review_progress.save(session, push_after=now() + self._arrives_within)
            raise
        with fence.writing() as session:
            unwanted = audit_pushes.pushed(session, project, there)
        self._reviews.withdraw(project, unwanted)
        return len(there) - len(unwanted)

    def _withdraw(self, project: str, tasks: Sequence[tuple[str, str]]) -> int:
        """A task of another project is gone with it; a number that an audit has now was given a second time."""
        wanted = [task for where, task in tasks if where == project]
        with self._database.reading() as session:
            taken = audit_pushes.claimed(session, project, wanted)
        self._reviews.withdraw(project, [task for task in wanted if task not in taken])
        return len(tasks)

    def _refused(self, fence: Fence, audit_id: str, why: str) -> int:
        log.warning("the review queue refuses a task", extra={"audit_id": audit_id, "reason": why})
        with fence.writing() as session:
            if audit_pushes.refused(session, audit_id, why):
                alarms.ring(session, "review.task-refused", words.KIND, words.REFUSED_TASK.format(why=why))
        return 0

    # --- telling the operator

    def _tell(self, fence: Fence, error: Exception) -> None:
        log.warning("the review queue failed", extra={"error": str(error)})
        with fence.writing() as session:
            since = review_progress.of(session).failing_since or now()
            review_progress.save(session, failing_since=since)
            if isinstance(error, ReviewQueueRefused):
                alarms.ring(session, words.DOWN_KEY, words.KIND, words.REFUSED.format(why=error))
            elif now() - since >= TOLD_AFTER:
                alarms.ring(session, words.DOWN_KEY, words.KIND, words.DOWN.format(since=since, why=error))

    def _all_is_well(self, fence: Fence) -> None:
        with self._database.reading() as session:
            if review_progress.of(session).failing_since is None:
                return
        with fence.writing() as session:
            review_progress.save(session, failing_since=None)
            alarms.clear(session, words.DOWN_KEY)
