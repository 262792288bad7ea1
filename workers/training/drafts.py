"""What may become a row: an approved correction, a confirmed answer or a question that the documents do not answer."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from answerloop.db.repositories.training_sources import ApprovedCorrection, JudgedAnswer, Material
from answerloop.placeholders import Placeholders, holds_placeholder
from answerloop.ports import Redactor
from workers.evaluation.judge import direct_line
from workers.training.rows import Kind

WEIGHT_TWICE, WEIGHT_ONCE, WEIGHT_CONFIRMED = 1.0, 0.8, 0.6
"""Of the loss: what two people stand by, what one has approved, and an answer of ours that one has found right (whoever
judges is inclined to let pass what already stands there)."""
PERSONAL = "it holds personal data"
NO_DIRECT = "the confirmed answer has no direct answer"
GONE = "a document of it is not there any more"
NOT_OPEN = "not everybody may read its documents, or outsiders may write them"


@dataclass(frozen=True, slots=True)
class Draft:
    """`text` is what people stand by, empty where the documents do not answer; `at` is when it was first there."""

    id: str
    kind: Kind
    answer_id: str
    question: str
    text: str
    topic: str
    documents: tuple[str, ...]
    author: str
    approvers: tuple[str, ...]
    in_burst: bool
    weight: float
    at: datetime


class LeftOut:
    """How many were left out, by the reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, reason: str, many: int = 1) -> None:
        if many:
            self.counts[reason] += many


def drafts(material: Material, redactor: Redactor, left_out: LeftOut) -> list[Draft]:
    """All that may be learned from or tested with, in the order of its time. Raises what the redactor raises: what
    cannot be masked must not be learned."""
    return [draft for draft, problem in _all(material) if _fit(draft, problem, material, redactor, left_out)]


def _fit(draft: Draft, problem: str, material: Material, redactor: Redactor, left_out: LeftOut) -> bool:
    if not problem and any(document not in material.sources for document in draft.documents):
        problem = GONE
    if not problem and not all(material.sources[document].open for document in draft.documents):
        problem = NOT_OPEN
    if not problem and personal(draft.question, redactor):
        problem = PERSONAL
    if problem:
        left_out(problem)
    return not problem


def personal(text: str, redactor: Redactor) -> bool:
    """Whether there is anything in it that would be masked, or was."""
    return holds_placeholder(text) or redactor.mask(text, Placeholders()).text != text


def _all(material: Material) -> Iterator[tuple[Draft, str]]:
    found: list[tuple[Draft, str]] = [
        *((_of_correction(each), each.problem) for each in material.corrections),
        *((_of_answer(each, Kind.CONFIRMED), each.problem or _without_direct(each)) for each in material.confirmed),
        *((_of_answer(each, Kind.ABSTENTION), each.problem) for each in material.unanswered),
    ]
    yield from sorted(found, key=lambda pair: (pair[0].at, pair[0].id))


def _of_correction(each: ApprovedCorrection) -> Draft:
    return Draft(
        id=_id(Kind.CORRECTION, each.answer_id, each.question, each.text),
        kind=Kind.CORRECTION,
        answer_id=each.answer_id,
        question=each.question,
        text=each.text,
        topic=each.topic,
        documents=each.documents,
        author=each.author,
        approvers=each.approvers,
        in_burst=each.in_burst,
        weight=WEIGHT_TWICE if len(each.approvers) > 1 else WEIGHT_ONCE,
        at=each.at,
    )


def _of_answer(each: JudgedAnswer, kind: Kind) -> Draft:
    text = direct_line(each.text) if each.text else ""
    return Draft(
        id=_id(kind, each.answer_id, each.question, text),
        kind=kind,
        answer_id=each.answer_id,
        question=each.question,
        text=text,
        topic="",
        documents=each.documents,
        author="",
        approvers=each.judges,
        in_burst=False,
        weight=WEIGHT_TWICE if len(each.judges) > 1 else WEIGHT_CONFIRMED,
        at=each.at,
    )


def _without_direct(each: JudgedAnswer) -> str:
    return "" if each.text.startswith("**") else NO_DIRECT


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
