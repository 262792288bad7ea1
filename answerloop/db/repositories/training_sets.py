"""The frozen test questions, and what datasets have learned from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from answerloop.db.training_tables import DatasetSourceRow, TestQuestionRow, TestVersionRow, TrainingRunRow

ANSWER, DOCUMENT, PERSON, TAINTED = "answer", "document", "person", "tainted"
"""Kinds of what a dataset has rows of; `tainted` says why something of it was erased since."""
DECIDED = ("canary", "live", "refused")
"""Outcomes of nights for which the gate has spent error, and that the rows of the night were looked at for."""
LOOKED = ("promote", "refused")
"""What the gate itself says then."""
WAITING = 0
"""`since` of questions that wait for the next version."""


# --- what was learned ------------------------------------------------------------------------------------------------


def remember(
    session: Session, dataset: str, answers: Iterable[str], documents: Iterable[str], people: Iterable[str]
) -> None:
    """What the dataset has rows of. A second time changes nothing."""
    named = [(ANSWER, answers), (DOCUMENT, documents), (PERSON, people)]
    wanted = {(kind, ref) for kind, refs in named for ref in refs if ref}
    there = session.execute(
        select(DatasetSourceRow.kind, DatasetSourceRow.ref).where(DatasetSourceRow.dataset == dataset)
    )
    known = {(kind, ref) for kind, ref in there}
    session.add_all(DatasetSourceRow(dataset=dataset, kind=kind, ref=ref) for kind, ref in sorted(wanted - known))


def decided_rows(session: Session) -> frozenset[str]:
    """Ids of the rows to learn of every night that came to a decision."""
    runs = session.scalars(select(TrainingRunRow).where(TrainingRunRow.finished_at.is_not(None)))
    return frozenset(str(row) for run in runs if _is_decided(run) for row in run.dataset_manifest.get("row_ids", ()))


def _is_decided(run: TrainingRunRow) -> bool:
    """Also one that failed after its decision has looked at the test."""
    return run.outcome in DECIDED or run.decision.get("outcome") in LOOKED


# --- the frozen test set ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frozen:
    """A test question. `since` is the version it came with, or `WAITING`; `row` is empty once it was erased."""

    id: str
    family: str
    answer_id: str
    documents: tuple[str, ...]
    row: Mapping[str, Any]
    since: int
    removed: bool = False


def version(session: Session) -> int:
    """The newest version of the test set; 0 before the first one was cut."""
    return session.scalar(select(func.max(TestVersionRow.version))) or 0


def frozen(session: Session, tenant: str) -> list[Frozen]:
    """All that ever were, also what was erased since: its documents stay on their side."""
    rows = session.scalars(select(TestQuestionRow).where(TestQuestionRow.tenant == tenant).order_by(TestQuestionRow.id))
    return [
        Frozen(
            row.id,
            row.family,
            row.answer_id,
            tuple(map(str, row.documents)),
            row.row,
            row.since,
            removed=row.until is not None or not row.row,
        )
        for row in rows
    ]


def add(session: Session, tenant: str, questions: Sequence[Frozen]) -> None:
    """New ones, which wait."""
    session.add_all(
        TestQuestionRow(
            id=each.id,
            tenant=tenant,
            family=each.family,
            answer_id=each.answer_id,
            documents=list(each.documents),
            row=dict(each.row),
            since=WAITING,
        )
        for each in questions
    )
    session.flush()


def cut(session: Session, tenant: str, reason: str, *, new_budget: bool) -> int:
    """Take in what waits, as a new version. It has an error budget of its own, or goes on with the one before."""
    number = version(session) + 1
    spent = 0 if new_budget else decisions_spent(session, number - 1)
    waiting = session.scalars(
        select(TestQuestionRow).where(
            TestQuestionRow.tenant == tenant, TestQuestionRow.since == WAITING, TestQuestionRow.until.is_(None)
        )
    )
    for row in waiting:
        row.since = number
    session.flush()
    session.add(TestVersionRow(version=number, reason=reason, size=_size(session), spent_before=spent))
    session.flush()
    return number


def take_out(session: Session, question_ids: Collection[str], because: str) -> int:
    """Empty these questions. Where one of them was in the version of now, that becomes a new one, which goes on with
    its error budget: less is known by it, but nothing was asked anew. Returns how many there were."""
    number = version(session)
    rows = session.scalars(
        select(TestQuestionRow).where(TestQuestionRow.id.in_(question_ids), TestQuestionRow.until.is_(None))
    ).all()
    if not rows:
        return 0
    was_in = any(row.since != WAITING for row in rows)
    after = number + 1 if was_in else number
    for row in rows:
        row.row, row.family, row.until, row.removed_because = {}, "", after, because
    session.flush()
    if was_in:
        spent = decisions_spent(session, number)
        session.add(TestVersionRow(version=after, reason=because, size=_size(session), spent_before=spent))
        session.flush()
    return len(rows)


def decisions_spent(session: Session, number: int) -> int:
    """Decisions that were made on the error budget of this version so far."""
    row = session.get(TestVersionRow, number)
    runs = session.scalars(select(TrainingRunRow).where(TrainingRunRow.test_version == number))
    return (row.spent_before if row else 0) + sum(map(_is_decided, runs))


def _size(session: Session) -> int:
    in_force = select(func.count(TestQuestionRow.id)).where(
        TestQuestionRow.since != WAITING, TestQuestionRow.until.is_(None)
    )
    return session.scalar(in_force) or 0


# --- what is gone ----------------------------------------------------------------------------------------------------


def datasets_of(session: Session, kind: str, refs: Collection[str]) -> set[str]:
    """Datasets that have rows of one of these."""
    found = select(DatasetSourceRow.dataset).where(DatasetSourceRow.kind == kind, DatasetSourceRow.ref.in_(refs))
    return set(session.scalars(found.distinct()))


def all_datasets(session: Session) -> set[str]:
    of_runs = session.scalars(select(TrainingRunRow.dataset).where(TrainingRunRow.dataset != "").distinct())
    return set(of_runs) | set(session.scalars(select(DatasetSourceRow.dataset).distinct()))


def forget_refs(session: Session, kind: str, refs: Collection[str]) -> None:
    session.execute(delete(DatasetSourceRow).where(DatasetSourceRow.kind == kind, DatasetSourceRow.ref.in_(refs)))
