"""What is learned and what is asked: apart by document, and by what questions mean."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from answerloop.ports import Embedder
from workers.evaluation.questions import TestQuestion
from workers.training import seed
from workers.training.families import families


@dataclass(frozen=True, slots=True)
class SetFiles:
    """`kept` is the share of the documents that nothing is learned from."""

    documents: str
    questions: str
    corrections: str
    kept: float


SETS = {
    "sample": SetFiles("handbook", "questions.jsonl", "corrections.jsonl", 0.4),
    "xquad-en": SetFiles("documents.jsonl", "questions.jsonl", "", 0.5),
}

MOST = {"unseen": 100, "seen": 30, "unanswerable": 30}


@dataclass(frozen=True, slots=True)
class Correction:
    """Without a text where people found that no document answers it."""

    id: str
    question: str
    text: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """`pool` is what may be learned from; the rest is asked: of its documents, of others, and what no document says."""

    pool: tuple[Correction, ...]
    asked: Mapping[str, tuple[TestQuestion, ...]]


def read_corrections(path: Path) -> list[Correction]:
    return [
        Correction(
            id=f"correction-{at}",
            question=each.question,
            text="" if each.missing_document else each.text,
            documents=(each.document,) if each.document else (),
        )
        for at, each in enumerate(seed.read(path))
    ]


def course(rows: Sequence[TestQuestion], corrections: Sequence[Correction] | None, share: float) -> Course:
    """The same documents are kept away for every seed, so that runs can be compared question by question."""
    names = sorted({name for row in rows for name in row.doc_ids})
    random.Random(0).shuffle(names)  # noqa: S311 - a lot, no secret
    kept = set(names[: round(share * len(names))])
    can = [row for row in rows if row.answerable and row.answers and row.doc_ids]
    seen = [row for row in can if not kept & set(row.doc_ids)]
    random.Random(1).shuffle(seen)  # noqa: S311
    held = seen[: min(MOST["seen"], len(seen) // 5)] if corrections is None else seen[: MOST["seen"]]
    if corrections is None:
        corrections = [Correction(row.id, row.question, row.answers[0], row.doc_ids) for row in seen[len(held) :]]
    asked = {
        "unseen": [row for row in can if kept >= set(row.doc_ids)],
        "seen": held,
        "unanswerable": [row for row in rows if not row.answerable],
    }
    pool = tuple(each for each in corrections if not kept & set(each.documents))
    return Course(pool, {name: tuple(of[: MOST[name]]) for name, of in asked.items()})


def without_asked(course: Course, embedder: Embedder) -> tuple[Correction, ...]:
    asked = [row.question for rows in course.asked.values() for row in rows]
    questions = [*asked, *(each.question for each in course.pool)]
    numbers = families(questions, list(embedder.embed(questions)))
    tested = set(numbers[: len(asked)])
    return tuple(each for each, number in zip(course.pool, numbers[len(asked) :], strict=True) if number not in tested)
