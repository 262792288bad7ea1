"""The nights of training and the adapters that came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from answerloop.db.tables import AnswerRow
from answerloop.db.training_tables import AdapterRow, TrainingRunRow

# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Night:
    """A run as lists show it, without its curves and examples. `outcome` is empty while it runs; what the JSON of a run
    holds depends on how far it came."""

    id: str
    state: str
    step: str
    progress: Mapping[str, Any]
    manifest: Mapping[str, Any]
    adapter: str
    outcome: str
    reasons: Sequence[str]
    decision: Mapping[str, Any]
    attempts: int
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """All of one night."""

    night: Night
    dataset: str
    test_version: int
    record: Mapping[str, Any]
    ladder: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Adapter:
    """`answers`: how many it spoke, of all tenants. `watch` is of its time as a canary."""

    name: str
    run_id: str
    dataset: str
    base_model: str
    state: str
    tainted_at: datetime | None
    tainted_because: str
    watch: Mapping[str, Any]
    created_at: datetime
    answers: int


_NIGHT = (
    TrainingRunRow.id,
    TrainingRunRow.state,
    TrainingRunRow.step,
    TrainingRunRow.progress,
    TrainingRunRow.dataset_manifest,
    TrainingRunRow.adapter,
    TrainingRunRow.outcome,
    TrainingRunRow.reasons,
    TrainingRunRow.decision,
    TrainingRunRow.attempts,
    TrainingRunRow.started_at,
    TrainingRunRow.finished_at,
)


def listed(session: Session, limit: int) -> list[Night]:
    """The latest first."""
    latest = select(*_NIGHT).order_by(TrainingRunRow.started_at.desc(), TrainingRunRow.id).limit(limit)
    return [Night(*row) for row in session.execute(latest)]


def get(session: Session, run_id: str) -> Run | None:
    rest = (TrainingRunRow.dataset, TrainingRunRow.test_version, TrainingRunRow.record, TrainingRunRow.ladder)
    row = session.execute(select(*_NIGHT, *rest).where(TrainingRunRow.id == run_id)).one_or_none()
    return Run(Night(*row[: len(_NIGHT)]), *row[len(_NIGHT) :]) if row else None


def adapters(session: Session) -> list[Adapter]:
    """The latest first."""
    counted = (
        select(AnswerRow.adapter, func.count())
        .where(AnswerRow.adapter.in_(select(AdapterRow.name)))
        .group_by(AnswerRow.adapter)
    )
    spoken = {name: count for name, count in session.execute(counted)}  # noqa: C416 - rows are no pairs to mypy
    return [
        Adapter(
            name=row.name,
            run_id=row.run_id,
            dataset=row.dataset,
            base_model=row.base_model,
            state=row.state,
            tainted_at=row.tainted_at,
            tainted_because=row.tainted_because,
            watch=row.watch,
            created_at=row.created_at,
            answers=spoken.get(row.name, 0),
        )
        for row in session.scalars(select(AdapterRow).order_by(AdapterRow.created_at.desc(), AdapterRow.name))
    ]
