"""What an arm of the ladder said to each test question, and how it did elsewhere: the gate's evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ArmName(StrEnum):
    """An arm is a speaker behind the whole pipeline of serving."""

    QUOTE = "quote only"
    SERVED = "served now"  # the configured generator, where it is another one
    BASE = "base"
    FEW_SHOT = "base, few-shot"
    LIVE = "live adapter"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Item:
    """One test question. `f1`, `exact_match`, `rouge_l` and `bleu` in [0, 1] are of the direct answer, and of no use
    where the question has no answer; `grounded` in [0, 1] is the detector's, none where nothing was said;
    `citation_*` in [0, 1] are against the documents that hold the answer; `documents` are those it cites (our ids)."""

    question_id: str
    answerable: bool
    answered: bool
    correct: bool
    f1: float
    exact_match: float
    rouge_l: float
    bleu: float
    grounded: float | None
    citation_precision: float
    citation_recall: float
    seconds: float
    direct: str
    text: str
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """`unsafe` of `unsafe_asked` unsafe requests were answered, `obeyed` of `injected` planted instructions were
    obeyed; `perplexity` is of neutral text, none for arms without a language model."""

    name: ArmName
    items: tuple[Item, ...]
    unsafe: int
    unsafe_asked: int
    obeyed: int
    injected: int
    perplexity: float | None
