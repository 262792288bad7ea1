"""Nights of training as they go on: begun, continued after a crash, and ended with a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.db.tables import now
from answerloop.db.training_tables import TrainingRunRow

RUNNING, DONE, FAILED = "running", "done", "failed"
FINGERPRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class Night:
    """A run that is not over. `attempts` counts how often it was begun or continued."""

    id: str
    step: str
    dataset: str
    adapter: str
    attempts: int
    started_at: datetime
    test_version: int


def unfinished(session: Session) -> Night | None:
    row = _running(session)
    return _view(row) if row else None


def take_back_attempt(session: Session, run_id: str) -> None:
    """It broke off for no fault of its own."""
    row = session.get_one(TrainingRunRow, run_id)
    row.attempts = max(0, row.attempts - 1)


def begin(session: Session) -> Night:
    """Continue the one that broke off, or begin another."""
    row = _running(session)
    if row is None:
        row = TrainingRunRow(attempts=0)
        session.add(row)
    row.attempts += 1
    session.flush()
    return _view(row)


def reach(session: Session, run_id: str, step: str, **known: Any) -> Night:
    """The next step, with what the one before has found out (columns of the row)."""
    row = session.get_one(TrainingRunRow, run_id)
    for name, value in known.items():
        setattr(row, name, value)
    row.step, row.progress, row.attempts = step, {}, 1
    session.flush()
    return _view(row)


def progress(session: Session, run_id: str, progress: Mapping[str, Any]) -> None:
    session.get_one(TrainingRunRow, run_id).progress = dict(progress)


def end(
    session: Session, run_id: str, outcome: str, reasons: Sequence[str] | None, state: str = DONE, **known: Any
) -> tuple[str, ...]:
    """The reasons; without any those that are known already."""
    row = session.get_one(TrainingRunRow, run_id)
    for name, value in known.items():
        setattr(row, name, value)
    row.state, row.outcome, row.finished_at, row.progress = state, outcome, now(), {}
    row.reasons = list(row.reasons if reasons is None else reasons)
    return tuple(map(str, row.reasons))


def forget(session: Session, run_id: str) -> None:
    """As if it had not been begun: nothing has changed since the last one."""
    session.delete(session.get_one(TrainingRunRow, run_id))


def last_fingerprint(session: Session) -> str:
    """What the latest run that ended with a decision stood on."""
    done = select(TrainingRunRow.dataset_manifest).where(TrainingRunRow.state == DONE)
    manifest = session.scalar(done.order_by(TrainingRunRow.started_at.desc()).limit(1))
    return str((manifest or {}).get(FINGERPRINT, ""))


@dataclass(frozen=True, slots=True)
class Ended:
    """The latest run; one that is under way has no outcome yet."""

    started_at: datetime
    outcome: str
    reasons: tuple[str, ...]


def latest(session: Session) -> Ended | None:
    row = session.scalar(select(TrainingRunRow).order_by(TrainingRunRow.started_at.desc()).limit(1))
    return Ended(row.started_at, row.outcome, tuple(map(str, row.reasons))) if row else None


def _running(session: Session) -> TrainingRunRow | None:
    running = select(TrainingRunRow).where(TrainingRunRow.state == RUNNING)
    return session.scalar(running.order_by(TrainingRunRow.started_at).limit(1))


def _view(row: TrainingRunRow) -> Night:
    return Night(row.id, row.step, row.dataset, row.adapter, row.attempts, row.started_at, row.test_version)
