"""A review queue in memory, with the people who judge there, its backups and its bad days."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from answerloop.auditing import AuditedTask, AuditTask, Fault, Grounded, Judgement, QueueIdentity, Verdict
from answerloop.errors import ReviewQueueUnavailable, ReviewQueueUncertain, TaskRefused

PAGE = 3
A_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a reviewer fills in."""

    verdict: Verdict | None = Verdict.CORRECT
    grounded: Grounded | None = Grounded.GROUNDED
    faults: tuple[Fault, ...] = ()
    correction: str | None = None
    documents: tuple[int, ...] = ()
    missing_document: str = ""


@dataclass(slots=True)
class _Task:
    task: AuditTask
    changed_at: datetime
    judgements: dict[str, Judgement] = field(default_factory=dict)


@dataclass(slots=True)
class _Project:
    made_at: datetime
    mark: int = 0
    tasks: dict[int, _Task] = field(default_factory=dict)


@dataclass(slots=True)
class _Server:
    projects: dict[int, _Project] = field(default_factory=dict)
    next_number: int = 1


class FakeReviewQueue:
    """`skew` is how far its clock is ahead of ours. `down` fails everything; `break_push` fails the next push after it
    was sent: with "lost" nothing arrives, with "arrived" all of it does. `refuses` names audits that it does not take.
    """

    def __init__(self) -> None:
        self._server = _Server()
        self._ticks = count()
        self.skew = timedelta()
        self.down = False
        self.break_push = ""
        self.refuses: set[str] = set()
        self.calls: list[str] = []

    # --- the port

    def open(self, known: str | None) -> QueueIdentity:
        self._answer("open")
        numbers = sorted(self._server.projects)
        found = next((n for n in numbers if self._name(n) == known), numbers[0] if numbers else None)
        if found is None:
            found = self._number()
            self._server.projects[found] = _Project(self._now())
        return QueueIdentity(self._name(found), self._server.projects[found].mark)

    def leave_mark(self, project: str, mark: int) -> None:
        self._answer("leave_mark")
        self._project(project).mark = mark

    def push(self, project: str, tasks: Sequence[AuditTask]) -> Mapping[str, str]:
        self._answer("push")
        if any(task.audit_id in self.refuses for task in tasks):
            raise TaskRefused("it is not to the taste of the fake")
        there = self._project(project).tasks
        if self.break_push != "lost":
            known = {row.task.audit_id for row in there.values()}
            for task in tasks:
                if task.audit_id not in known:
                    there[self._number()] = _Task(task, self._now())
        if self.break_push:
            self.break_push = ""
            raise ReviewQueueUncertain("the fake broke off")
        first = {row.task.audit_id: str(number) for number, row in reversed(there.items())}
        return {task.audit_id: first[task.audit_id] for task in tasks}

    def changes(self, project: str, since: datetime | None) -> Iterator[Sequence[AuditedTask]]:
        self._answer("changes")
        tasks = sorted(self._audited(project), key=lambda task: task.changed_at)
        yield from _pages([task for task in tasks if since is None or task.changed_at >= since])

    def everything(self, project: str) -> Iterator[Sequence[AuditedTask]]:
        self._answer("everything")
        yield from _pages(self._audited(project))

    def withdraw(self, project: str, task_ids: Sequence[str]) -> None:
        self._answer("withdraw")
        for task_id in task_ids:
            self._project(project).tasks.pop(int(task_id), None)

    # --- the people there

    def judge(self, task_id: str, by: str, opinion: Opinion) -> None:
        number = self._number()
        row = self._find(task_id)
        key = f"{task_id}/{number}@{self._now().isoformat()}"
        row.judgements[key] = self._written(key, task_id, by, opinion)
        row.changed_at = self._now()

    def edit(self, task_id: str, by: str, opinion: Opinion) -> None:
        """The first judgement there, whoever made it."""
        row = self._find(task_id)
        key = next(iter(row.judgements))
        row.judgements[key] = self._written(key, task_id, by, opinion)
        row.changed_at = self._now()

    def take_back(self, task_id: str) -> None:
        row = self._find(task_id)
        del row.judgements[next(iter(row.judgements))]
        row.changed_at = self._now()

    def skip(self, task_id: str, by: str) -> None:
        self.judge(task_id, by, Opinion(verdict=None, grounded=None))
        row = self._find(task_id)
        key = next(reversed(row.judgements))
        row.judgements[key] = replace(row.judgements[key], skipped=True)

    def delete_task(self, task_id: str) -> None:
        for project in self._server.projects.values():
            project.tasks.pop(int(task_id), None)

    def delete_project(self) -> None:
        self._server.projects.clear()

    def backup(self) -> object:
        return copy.deepcopy(self._server)

    def restore(self, backup: object) -> None:
        assert isinstance(backup, _Server)
        self._server = copy.deepcopy(backup)

    # --- looking at it

    def tasks(self) -> dict[str, str]:
        """Task → audit, of all projects."""
        rows = (project.tasks for project in self._server.projects.values())
        return {str(number): row.task.audit_id for tasks in rows for number, row in tasks.items()}

    def shown(self, task_id: str) -> AuditTask:
        return self._find(task_id).task

    def account(self, by: str) -> str:
        return f"account of {by}"

    def copy_task(self, task_id: str) -> str:
        """Somebody imports it a second time."""
        number = self._number()
        project = next(p for p in self._server.projects.values() if int(task_id) in p.tasks)
        project.tasks[number] = _Task(self._find(task_id).task, self._now())
        return str(number)

    # --- within

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.down:
            raise ReviewQueueUnavailable("the fake is down")

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.skew + next(self._ticks) * A_MOMENT / 1000

    def _number(self) -> int:
        self._server.next_number += 1
        return self._server.next_number

    def _name(self, number: int) -> str:
        return f"{number}@{self._server.projects[number].made_at.isoformat()}"

    def _project(self, name: str) -> _Project:
        for number, project in self._server.projects.items():
            if self._name(number) == name:
                return project
        raise ReviewQueueUnavailable("the project is gone")

    def _find(self, task_id: str) -> _Task:
        return next(p.tasks[int(task_id)] for p in self._server.projects.values() if int(task_id) in p.tasks)

    def _audited(self, project: str) -> list[AuditedTask]:
        return [
            AuditedTask(str(number), row.task.audit_id, row.changed_at, tuple(row.judgements.values()))
            for number, row in self._project(project).tasks.items()
        ]

    def _written(self, key: str, task_id: str, by: str, opinion: Opinion) -> Judgement:
        return Judgement(
            external_id=key,
            task_id=task_id,
            reviewer=by,
            verdict=opinion.verdict,
            grounded=opinion.grounded,
            faults=opinion.faults,
            correction=opinion.correction,
            edited=opinion.correction is not None,
            documents=opinion.documents,
            missing_document=opinion.missing_document,
            lead_seconds=12.5,
            updated_at=self._now(),
            account=self.account(by),
        )


def _pages(tasks: Sequence[AuditedTask]) -> Iterator[Sequence[AuditedTask]]:
    return (tasks[start : start + PAGE] for start in range(0, len(tasks), PAGE))
