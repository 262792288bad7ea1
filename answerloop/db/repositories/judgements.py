"""Verdicts as the review queue tells them: compared with ours, and taken over.

A judgement that is missing was deleted, unless the queue as a whole is older than what we have seen of it
(`restored`): then ours is the better memory, and stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.auditing import AuditedTask, AuditState, Judgement, Origin
from answerloop.db import outbox
from answerloop.db.audit_tables import AuditRow, ReviewerRow, VerdictRow
from answerloop.db.tables import OutboxRow, now
from answerloop.tasks import judge_audit

LONGEST_REVIEWER = 255
ERASED = "erased"
"""In place of a reviewer who was erased; the words of their verdict are gone, though the queue may still have them."""


def reviewers_by_account(session: Session) -> dict[str, str]:
    """Account in the review queue → the reviewer whom it was made for."""
    rows = session.execute(
        select(ReviewerRow.external_id, ReviewerRow.id).where(ReviewerRow.external_id.is_not(None))
    ).all()
    return {str(account): str(reviewer) for account, reviewer in rows}


def news(session: Session, tasks: Iterable[AuditedTask], *, restored: bool) -> bool:
    """Whether taking them over would change anything."""
    accounts = reviewers_by_account(session)
    return any(_changes(session, task, accounts, restored=restored) for task in tasks)


def take_over(session: Session, tasks: Iterable[AuditedTask], *, restored: bool) -> list[OutboxRow]:
    """Make our verdicts say what the tasks do, with a job for each audit whose verdicts have changed."""
    accounts = reviewers_by_account(session)
    jobs = []
    for task in tasks:
        judged = False
        for change in _changes(session, task, accounts, restored=restored):
            judged = change.make(session) or judged
        if judged:
            session.flush()
            jobs.append(outbox.write(session, judge_audit(task.audit_id)))
    return jobs


def lose(session: Session, audit_id: str, keep_task: str | None = None) -> None:
    """The review queue has forgotten them, all but those of one task; they stand."""
    for row in _stored(session, audit_id).values():
        if row.lost_at is None and (keep_task is None or not _of_task(row, keep_task)):
            row.lost_at = now()


class _Change:
    """One verdict that is to become another."""

    def __init__(self, row: VerdictRow | None, values: Mapping[str, Any], *, judges: bool) -> None:
        self._row, self._values, self._judges = row, values, judges

    def make(self, session: Session) -> bool:
        """Whether the audit is to be judged anew."""
        if self._row is None:
            session.add(VerdictRow(**self._values))
        else:
            for name, value in self._values.items():
                setattr(self._row, name, value)
        return self._judges


def _changes(session: Session, task: AuditedTask, accounts: Mapping[str, str], *, restored: bool) -> list[_Change]:
    audit = session.get(AuditRow, task.audit_id)
    if audit is None or audit.task is None or audit.state == AuditState.CLOSED:
        return []  # without a task of ours it was taken away: erased, or not for reviewers any more
    stored = _stored(session, task.audit_id)
    there = {judgement.external_id: judgement for judgement in task.judgements}
    standing = _standing(task.judgements)
    changes = []
    for key, judgement in standing.items():
        changes += _written(audit.id, stored.get(key), judgement, accounts, restored=restored)
        changes += _superseded(stored.values(), judgement, accounts, standing.keys())
    for key, row in stored.items():
        if key in standing or row.withdrawn_at or row.lost_at or not _of_task(row, task.task_id):
            continue
        forgotten = restored and (key not in there or there[key].updated_at < row.updated_at)
        gone = {"lost_at": now()} if forgotten else {"withdrawn_at": now()}
        changes.append(_Change(row, gone, judges=not forgotten))
    return changes


def _standing(judgements: Iterable[Judgement]) -> dict[str, Judgement]:
    """The last word of each account. A skip is no verdict, and neither is what says only half of it."""
    last: dict[str, Judgement] = {}
    for judgement in sorted(judgements, key=lambda j: (j.updated_at, j.external_id)):
        if not judgement.skipped and judgement.verdict and judgement.grounded:
            last[judgement.account or judgement.external_id] = judgement
    return {judgement.external_id: judgement for judgement in last.values()}


def _written(
    audit_id: str, row: VerdictRow | None, judgement: Judgement, accounts: Mapping[str, str], *, restored: bool
) -> list[_Change]:
    values = _values(judgement, accounts)
    if row is None:
        first = {"audit_id": audit_id, "external_id": judgement.external_id, "origin": Origin.LABEL_STUDIO}
        return [_Change(None, {**first, **values, "submitted_at": judgement.updated_at}, judges=True)]
    if row.reviewer == ERASED and judgement.updated_at <= row.updated_at:
        return []
    if judgement.updated_at < row.updated_at and (restored or row.lost_at):
        return [] if row.lost_at else [_Change(row, {"lost_at": now()}, judges=False)]
    differs = any(getattr(row, name) != value for name, value in values.items())
    if differs or row.withdrawn_at or row.lost_at:
        back = {**values, "taken_at": now() if differs else row.taken_at, "withdrawn_at": None, "lost_at": None}
        return [_Change(row, back, judges=differs or row.withdrawn_at is not None)]
    return []


def _superseded(
    stored: Iterable[VerdictRow], judgement: Judgement, accounts: Mapping[str, str], standing: Iterable[str]
) -> list[_Change]:
    """What the queue has forgotten of the same reviewer, who has judged once more since."""
    reviewer = _reviewer(judgement, accounts)
    old = (row for row in stored if row.lost_at and not row.withdrawn_at and row.external_id not in standing)
    return [
        _Change(row, {"withdrawn_at": now()}, judges=True)
        for row in old
        if row.reviewer == reviewer and row.updated_at < judgement.updated_at
    ]


def _values(judgement: Judgement, accounts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "reviewer": _reviewer(judgement, accounts),
        "verdict": judgement.verdict,
        "grounded": judgement.grounded,
        "faults": [fault.value for fault in judgement.faults],
        "correction": judgement.correction,
        "edited": judgement.edited,
        "documents": list(judgement.documents),
        "missing_document": judgement.missing_document,
        "lead_seconds": judgement.lead_seconds,
        "updated_at": judgement.updated_at,
    }


def _reviewer(judgement: Judgement, accounts: Mapping[str, str]) -> str:
    """By the account, never by what it calls itself; an account that we did not make is nobody we know."""
    known = accounts.get(judgement.account)
    return known or f"unknown {judgement.account} {judgement.reviewer}"[:LONGEST_REVIEWER]


def _stored(session: Session, audit_id: str) -> dict[str, VerdictRow]:
    rows = session.scalars(
        select(VerdictRow).where(VerdictRow.audit_id == audit_id, VerdictRow.origin == Origin.LABEL_STUDIO)
    )
    return {row.external_id: row for row in rows}


def _of_task(row: VerdictRow, task_id: str) -> bool:
    return row.external_id.startswith(f"{task_id}/")
