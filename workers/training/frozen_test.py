"""The frozen test: what grows in steps, and shrinks by erasure alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from answerloop.db.repositories.training_sets import WAITING, Frozen
from answerloop.db.repositories.training_sources import Source
from answerloop.domain import EVERYONE, PUBLIC
from answerloop.metrics import normalise
from workers.evaluation.questions import TestQuestion
from workers.training.drafts import PERSONAL, LeftOut, personal
from workers.training.families import duplicates
from workers.training.prompts import Looked, Serving, answered

FIRST = 100
"""Questions of the first version: fewer cannot tell a better adapter from luck, and the gate asks for as many."""
FIRST_UNANSWERABLE = 10
"""… and of these among them ones that no document answers: training takes right abstention away first."""
GROWTH = 2
"""A version is cut when the set has grown so many times. Each has an error budget of its own, so they must be few;
and at twice the size the intervals are narrower by a third."""
IN_TEST_ALREADY = "the test has the same question"


@dataclass(frozen=True, slots=True)
class Step:
    """Whether what waits becomes a new version, and why."""

    cut: bool
    reason: str = ""
    new_budget: bool = True


@dataclass(frozen=True, slots=True)
class Size:
    questions: int
    unanswerable: int

    @property
    def is_enough(self) -> bool:
        return self.questions >= FIRST and self.unanswerable >= FIRST_UNANSWERABLE


def step(in_force: Size, total: Size) -> Step:
    """`total` is what is in force and what waits. Whatever is not enough for a decision is filled up; decisions that
    were made on it, if there were any, are not forgotten by that."""
    if total.questions <= in_force.questions:
        return Step(cut=False)
    if not in_force.is_enough:
        if not total.is_enough:
            return Step(cut=False)
        if not in_force.questions:
            return Step(cut=True, reason=f"the first {total.questions} questions")
        reason = f"filled up from {in_force.questions} to {total.questions} questions"
        return Step(cut=True, reason=reason, new_budget=False)
    if total.questions >= GROWTH * in_force.questions:
        return Step(cut=True, reason=f"grown from {in_force.questions} to {total.questions} questions")
    return Step(cut=False)


def size(questions: Iterable[Frozen]) -> Size:
    known = list(questions)
    return Size(len(known), sum(not each.row["answerable"] for each in known))


def additions(
    looked: Sequence[Looked],
    family: Mapping[str, str],
    sources: Mapping[str, Source],
    frozen: Sequence[Frozen],
    tenant: str,
    serving: Serving,
    left_out: LeftOut,
) -> list[Frozen]:
    """Test questions of these drafts, which are on its side. One that is there in other words adds nothing."""
    there = [str(each.row["question"]) for each in frozen if not each.removed]
    known = {each.id for each in frozen}
    fresh = [each for each in looked if each.draft.id not in known]
    numbers = duplicates([*there, *(each.draft.question for each in fresh)])
    taken = set(numbers[: len(there)])
    added = []
    for number, each in zip(numbers[len(there) :], fresh, strict=True):
        if number in taken:
            left_out(IN_TEST_ALREADY)
        elif each.draft.text and personal(each.draft.text, serving.redactor):
            left_out(PERSONAL)
        else:
            taken.add(number)
            added.append(_frozen(each, family[each.draft.id], sources, tenant, serving))
    return added


def _frozen(looked: Looked, family: str, sources: Mapping[str, Source], tenant: str, serving: Serving) -> Frozen:
    draft = looked.draft
    return Frozen(
        id=draft.id,
        family=family,
        answer_id=draft.answer_id,
        documents=draft.documents,
        row={
            "id": draft.id,
            "question": draft.question,
            "answers": _answers(looked, tenant, serving),
            "doc_ids": sorted({sources[document].key for document in draft.documents}),
            "answerable": bool(draft.text),
            "tenant": tenant,
            "groups": [EVERYONE],
            "kind": str(draft.kind),
            "topic": draft.topic,
        },
        since=WAITING,
    )


def _answers(looked: Looked, tenant: str, serving: Serving) -> list[str]:
    """What people stand by, after the phrase of the documents that says it, where there is one."""
    if not looked.draft.text:
        return []
    phrase = answered(looked, tenant, serving).completion
    wanted = [text for text in (phrase, looked.draft.text) if text]
    return wanted[:1] if len({normalise(text) for text in wanted}) == 1 else wanted


def questions(frozen: Sequence[Frozen], version: int) -> tuple[TestQuestion, ...]:
    """Those of this version, by id; before the first one was cut, all that wait for it."""
    wanted = [each for each in frozen if not each.removed and (each.since != WAITING or version == 0)]
    return tuple(question(each.row) for each in sorted(wanted, key=lambda each: each.id))


def question(row: Mapping[str, Any]) -> TestQuestion:
    return TestQuestion(
        id=str(row["id"]),
        question=str(row["question"]),
        answers=tuple(row["answers"]),
        doc_ids=tuple(row["doc_ids"]),
        answerable=bool(row["answerable"]),
        tenant=str(row["tenant"]),
        groups=frozenset(row["groups"]) | {PUBLIC},
        history=(),
    )


def as_row(question: TestQuestion) -> dict[str, Any]:
    """A line of a questions.jsonl."""
    return {
        "id": question.id,
        "question": question.question,
        "answers": list(question.answers),
        "doc_ids": list(question.doc_ids),
        "answerable": question.answerable,
        "tenant": question.tenant,
        "groups": sorted(question.groups - {PUBLIC}),
    }


def documents_of(frozen: Sequence[Frozen]) -> Collection[str]:
    """Documents that stay on the side of the test, also when their questions were erased."""
    return frozenset(document for each in frozen for document in each.documents)
