"""What was learned from something that is erased: datasets, the adapters trained on them, and test questions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from answerloop.db.repositories import training_sets
from answerloop.db.repositories.emptied import AT_ONCE, ERASED, Erased, chunks
from answerloop.db.repositories.training_sets import ANSWER, DOCUMENT, PERSON, TAINTED
from answerloop.db.tables import now
from answerloop.db.training_tables import AdapterRow, DatasetSourceRow, TestQuestionRow, TrainingRunRow

PERSON_ERASED, DOCUMENT_ERASED, TOO_OLD = "a person was erased", "a document was erased", "it is too old to be kept"


# --- reading ---------------------------------------------------------------------------------------------------------


def of_dataset(session: Session, dataset: str) -> str:
    """Why nothing may be trained on it any more, nor promoted that was; empty where it is clean."""
    found = select(DatasetSourceRow.ref).where(DatasetSourceRow.dataset == dataset, DatasetSourceRow.kind == TAINTED)
    return session.scalar(found.limit(1)) or ""


def tainted(session: Session, names: Collection[str]) -> dict[str, str]:
    """Those of these adapters that have learned from something erased, and from what: to be retired where they
    serve."""
    rows = session.execute(
        select(AdapterRow.name, AdapterRow.tainted_because, DatasetSourceRow.ref)
        .outerjoin(
            DatasetSourceRow, (DatasetSourceRow.dataset == AdapterRow.dataset) & (DatasetSourceRow.kind == TAINTED)
        )
        .where(AdapterRow.name.in_(names))
    )
    return {name: because or ref for name, because, ref in rows if because or ref}


# --- marking ---------------------------------------------------------------------------------------------------------


def person(session: Session, names: Collection[str], found: Erased) -> None:
    """What they asked or wrote. Of a correction that others stand by, their name is gone; it is learned no more."""
    refs = {form for name in names for form in (name, name.casefold())}
    datasets = training_sets.datasets_of(session, PERSON, refs) | _of(session, ANSWER, found.answers)
    _mark(session, datasets, PERSON_ERASED, found)
    training_sets.forget_refs(session, PERSON, refs)
    _untest(session, found.answers, None, PERSON_ERASED, found)


def document(session: Session, document_id: str, found: Erased) -> None:
    """What stands on it, and whatever was shown beside it."""
    datasets = training_sets.datasets_of(session, DOCUMENT, [document_id]) | _of(session, ANSWER, found.answers)
    _mark(session, datasets, DOCUMENT_ERASED, found)
    for run in session.scalars(select(TrainingRunRow).execution_options(yield_per=AT_ONCE)):
        run.ladder = _without(run.ladder, frozenset({document_id}))
    _untest(session, found.answers, document_id, DOCUMENT_ERASED, found)


def of_old(session: Session, found: Erased) -> None:
    """Words that were kept long enough leave the files and the test. What people have approved has an end of its own,
    and an adapter that has learned from them is no worse for it."""
    found.datasets |= _of(session, ANSWER, found.answers)
    _untest(session, found.answers, None, TOO_OLD, found, but="correction")


def _of(session: Session, kind: str, refs: Collection[str]) -> set[str]:
    return {name for part in chunks(sorted(refs)) for name in training_sets.datasets_of(session, kind, part)}


def _mark(session: Session, datasets: Collection[str], because: str, found: Erased) -> None:
    """Also for adapters that are still to come of it: a night may be under way."""
    for dataset in sorted(datasets):
        if not of_dataset(session, dataset):
            session.add(DatasetSourceRow(dataset=dataset, kind=TAINTED, ref=because))
    clean = AdapterRow.dataset.in_(datasets), AdapterRow.tainted_at.is_(None)
    marked = session.execute(update(AdapterRow).where(*clean).values(tainted_at=now(), tainted_because=because))
    found.counts["adapters_tainted"] += marked.rowcount  # type: ignore[attr-defined]
    found.counts["datasets"] += len(datasets)
    found.datasets |= set(datasets)
    _unquote(session, datasets)


def _unquote(session: Session, datasets: Collection[str]) -> None:
    """Suspicions quote rows."""
    for run in session.scalars(select(TrainingRunRow).where(TrainingRunRow.dataset.in_(datasets))):
        found = set(run.dataset_manifest.get("suspicions", ()))
        run.reasons = [ERASED if any(said in str(reason) for said in found) else reason for reason in run.reasons]
        run.dataset_manifest = {**run.dataset_manifest, "suspicions": [ERASED for _ in found]}


def _untest(
    session: Session, answers: Collection[str], document_id: str | None, because: str, found: Erased, but: str = ""
) -> None:
    """Their questions leave the test, its files, and what was noted of them in the nights before; but not of a kind."""
    rows = session.scalars(select(TestQuestionRow).where(TestQuestionRow.until.is_(None))).all()
    gone = [
        row.id
        for row in rows
        if (row.answer_id in answers or document_id in row.documents) and not (but and row.row.get("kind") == but)
    ]
    if not gone:
        return
    found.counts["test_questions"] += training_sets.take_out(session, gone, because)
    found.datasets |= training_sets.all_datasets(session)
    for run in session.scalars(select(TrainingRunRow).execution_options(yield_per=AT_ONCE)):
        run.ladder, run.decision = _without(run.ladder, frozenset(gone)), _without(run.decision, frozenset(gone))
        run.record = _without(run.record, frozenset(gone))


def _without(value: Any, ids: frozenset[str]) -> Any:
    """As it was, but for the words of what concerns one of these questions: figures stay."""
    if isinstance(value, list):
        return [_without(each, ids) for each in value]
    if not isinstance(value, dict):
        return value
    named = [name for each in value.values() for name in (each if isinstance(each, list) else [each])]
    if not any(isinstance(name, str) and name in ids for name in named):
        return {name: _without(each, ids) for name, each in value.items()}
    return {name: each if _is_figure(each, ids) else ERASED for name, each in value.items()}


def _is_figure(value: Any, ids: frozenset[str]) -> bool:
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and value in ids)
