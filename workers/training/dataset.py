"""From what people have approved to rows that an adapter can learn: the same database gives the same bytes.

    material → drafts (masked, open to everybody) → families and sides → prompts of serving → one of those that say
    the same, none too many of one person → abstentions, replay → train, validation, the frozen test → suspicions

Nothing here reads a clock or draws by chance: every lot is a hash of a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from answerloop.db.repositories import documents, training_sets, training_sources
from answerloop.db.repositories.training_sets import WAITING, Frozen
from answerloop.db.repositories.training_sources import Material
from answerloop.db.session import Database
from answerloop.errors import DatabaseUnavailable
from workers.evaluation.questions import TestQuestion
from workers.training import dataset_files, frozen_test, suspicion
from workers.training.drafts import Draft, LeftOut, drafts
from workers.training.families import families
from workers.training.frozen_test import Step
from workers.training.learned import Learned, learned, replay, with_abstentions
from workers.training.prompts import Looked, Serving, everybody, form_hash, look
from workers.training.rows import Dataset
from workers.training.split import Side, sides

CONTRADICTS = "people have approved different answers to the same question"
IN_BURST = "it is one of many suggestions that say nearly the same"
CLOSED = "not everybody may read its document any more"
MOST_ROUNDS = 3


def build(database: Database, tenant: str, serving: Serving, *, remember: bool = True) -> Dataset:
    """Of this tenant. `remember`: new test questions are frozen, and where the rows come from is noted for erasure;
    without it nothing is written.

    Raises IndexUnavailable, DatabaseUnavailable, GroundednessUnavailable, and what the redactor raises.
    """
    if remember:
        _take_out_what_was_closed(database, tenant)
    for _ in range(MOST_ROUNDS):
        known = _read(database, tenant)
        made = _make(known, tenant, serving)
        if not remember:
            return made.dataset
        with database.writing() as session:
            there = documents.still_readable(session, everybody(tenant), made.documents)
            if _known(session, tenant) != known or not made.documents <= there.keys():
                continue  # something was erased, closed or approved in between
            training_sets.add(session, tenant, made.added)
            if made.step.cut:
                training_sets.cut(session, tenant, made.step.reason, new_budget=made.step.new_budget)
            training_sets.remember(session, made.dataset.hash, made.answers, made.documents, made.people)
        return made.dataset
    raise DatabaseUnavailable("What people approve changes all the time: the dataset could not be built.")


def _take_out_what_was_closed(database: Database, tenant: str) -> None:
    """Test questions whose documents not everybody may read any more. Those of deleted documents stay: nobody's rights
    were narrowed by that."""
    with database.writing() as session:
        asked = [each for each in training_sets.frozen(session, tenant) if not each.removed]
        there = documents.keys(session, tenant).keys() & {name for each in asked for name in each.documents}
        closed = there - documents.still_readable(session, everybody(tenant), there).keys()
        training_sets.take_out(session, [each.id for each in asked if closed & set(each.documents)], CLOSED)


# --- what is known ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    material: Material
    frozen: tuple[Frozen, ...]
    version: int
    decided: frozenset[str]
    asked: tuple[tuple[str, str], ...] = field(compare=False)


def _read(database: Database, tenant: str) -> _Known:
    with database.reading() as session:
        return _known(session, tenant)


def _known(session: Any, tenant: str) -> _Known:
    return _Known(
        training_sources.material(session, tenant),
        tuple(training_sets.frozen(session, tenant)),
        training_sets.version(session),
        training_sets.decided_rows(session),
        training_sources.asked_lately(session, tenant),
    )


# --- what is made of it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Made:
    dataset: Dataset
    added: list[Frozen]
    step: Step
    answers: frozenset[str]
    documents: frozenset[str]
    people: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Rows:
    train: list[Learned]
    validation: list[Learned]

    def __iter__(self) -> Any:
        return iter((*self.train, *self.validation))


def _make(known: _Known, tenant: str, serving: Serving) -> _Made:
    left_out = LeftOut()
    everything = drafts(known.material, serving.redactor, left_out)
    looked = {draft.id: look(draft, tenant, serving) for draft in everything}
    family = _families(looked, known.frozen, serving)
    usable = _without_contradictions(_without_bursts(everything, left_out), left_out)
    sources = known.material.sources
    frozen_families = {each.family for each in known.frozen if not each.removed}
    side = sides(
        usable, family, sources, frozen_test.documents_of(known.frozen), frozen_families, left_out
    )  # fmt: skip
    on = {each: [looked[draft.id] for draft in usable if side.get(draft.id) is each] for each in Side}
    rows = _rows(on, looked, family, tenant, serving, left_out)
    found = _suspicions(everything, rows, known, family)
    added = frozen_test.additions(on[Side.TEST], family, sources, known.frozen, tenant, serving, left_out)
    if found:  # people look first: what is frozen stays
        added = []
    step, test, version = _test(known, added)
    dataset = _dataset(rows, test, version, found, known, left_out, form_hash(serving))
    return _Made(
        dataset,
        added,
        step,
        answers=frozenset(each.row.answer_id for each in rows),
        documents=frozenset(document for each in rows for document in (*each.row.documents, *each.shown)),
        people=frozenset(each.draft.author for each in rows if each.draft is not None),
    )


def _families(looked: Mapping[str, Looked], frozen: Sequence[Frozen], serving: Serving) -> dict[str, str]:
    """By the id of the draft. A family with a test question is that question's."""
    tested = [each for each in frozen if not each.removed]
    asked = [str(each.row["question"]) for each in tested]
    questions = [*asked, *(each.draft.question for each in looked.values())]
    vectors = [*(serving.retriever.understand(question, ())[1] for question in asked)]
    numbers = families(questions, [*vectors, *(each.vector for each in looked.values())])
    names: dict[int, str] = {}
    for at, number in enumerate(numbers):  # the smallest number of a family is of its first question
        names.setdefault(number, tested[at].family if at < len(tested) else _name(questions[at]))
    return dict(zip(looked, (names[number] for number in numbers[len(tested) :]), strict=True))


def _name(question: str) -> str:
    return hashlib.sha256(" ".join(question.casefold().split()).encode()).hexdigest()[:32]


def _without_bursts(everything: Sequence[Draft], left_out: LeftOut) -> list[Draft]:
    left_out(IN_BURST, sum(draft.in_burst for draft in everything))
    return [draft for draft in everything if not draft.in_burst]


def _without_contradictions(everything: Sequence[Draft], left_out: LeftOut) -> list[Draft]:
    """Which of them is right, people have to say."""
    against = {draft.id for group in suspicion.contradictions(everything) for draft in group}
    left_out(CONTRADICTS, len(against))
    return [draft for draft in everything if draft.id not in against]


def _rows(
    on: Mapping[Side, Sequence[Looked]],
    looked: Mapping[str, Looked],
    family: Mapping[str, str],
    tenant: str,
    serving: Serving,
    left_out: LeftOut,
) -> _Rows:
    found = learned([*on[Side.TRAIN], *on[Side.VALIDATION]], family, tenant, serving, left_out)
    watching = {each.draft.id for each in on[Side.VALIDATION]}
    split = [[each for each in found if (each.row.id in watching) is watch] for watch in (False, True)]
    train, validation = (with_abstentions(each, looked, tenant, serving, left_out) for each in split)
    return _Rows(train + replay(len(train), serving), validation)


def _suspicions(
    everything: Sequence[Draft], rows: _Rows, known: _Known, family: Mapping[str, str]
) -> tuple[str, ...]:  # fmt: skip
    """New is what no decision has seen, and what is not in the test yet."""
    seen = known.decided | {each.id for each in known.frozen}
    new = [draft for draft in everything if draft.id not in seen]
    old = [draft for draft in everything if draft.id in seen]
    passages = [each.row.messages[-1].content.rpartition("\n\nQuestion:")[0] for each in rows]
    ours = {draft.question for draft in everything}
    asked = [(question, asker) for question, asker in known.asked if question not in ours]
    authors = {draft.author for draft in new}
    return suspicion.suspicions(new, old, suspicion.background(old, passages, asked, authors), family)


def _test(known: _Known, added: Sequence[Frozen]) -> tuple[Step, tuple[TestQuestion, ...], int]:
    """As it will be once this is remembered."""
    live = [each for each in (*known.frozen, *added) if not each.removed]
    in_force = frozen_test.size(each for each in live if each.since != WAITING)
    step = frozen_test.step(in_force, frozen_test.size(live))
    if not step.cut:
        return step, frozen_test.questions(live, known.version), known.version
    version = known.version + 1
    taken_in = [replace(each, since=version) if each.since == WAITING else each for each in live]
    return step, frozen_test.questions(taken_in, version), version


def _dataset(
    rows: _Rows,
    test: tuple[TestQuestion, ...],
    version: int,
    found: tuple[str, ...],
    known: _Known,
    left_out: LeftOut,
    form: str,
) -> Dataset:
    train, validation = (tuple(each.row for each in part) for part in (rows.train, rows.validation))
    made = {each.row.id for each in rows if each.draft is None or each.row.id != each.draft.id}
    new = sum(row.id not in made and row.id not in known.decided for row in train)
    dataset = Dataset("", train, validation, test, version, new, found, {})
    manifest = dataset_files.manifest(dataset, left_out.counts, form, made)
    return replace(dataset, hash=str(manifest["hash"]), manifest=manifest)
