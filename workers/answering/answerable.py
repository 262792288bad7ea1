"""Can this be answered from what was found? A calibrated probability from a few features of the retrieval."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

from answerloop.domain import Confidence
from answerloop.text import content_words, numbers
from workers.answering.retrieve import Retrieved

RIVAL = 3
"""Place, from 0, of the sentence that the best one is compared with: those before it often say the same."""


@dataclass(frozen=True, slots=True)
class Features:
    """Each in about [0, 1], higher when the question is better covered."""

    sentence: float
    """Cosine of the question and the best sentence."""
    chunk: float
    """Cosine of the question and the best passage."""
    lexical: float
    """BM25 of the best passage for each word of the question, squashed."""
    words: float
    """Share of the question's words in the best passage."""
    numbers: float
    """Share of the question's numbers in the best passage; 1 when it has none."""
    lead: float
    """How much the best sentence is above the fourth: an answer stands out."""


# Logistic regression on the sample handbook's questions and on xquad-en, four in five of them answerable:
# `python -m benchmarks.answerability` fits it again, benchmarks/LOG.md has its figures.
INTERCEPT = -5.48
WEIGHTS = Features(sentence=3.45, chunk=1.77, lexical=0.52, words=4.52, numbers=0.68, lead=4.75)


def features(found: Retrieved) -> Features:
    if not found.passages or not found.evidence:
        return Features(*[0.0] * len(fields(Features)))
    asked = set(content_words(found.query))
    asked_numbers = numbers(found.query)
    best = found.passages[found.evidence[0].passage - 1]
    text = " ".join((best.title, *best.headings, best.text))
    return Features(
        sentence=max(sentence.cosine for sentence in found.evidence),
        chunk=max(passage.cosine for passage in found.passages),
        lexical=math.tanh(max(passage.bm25 for passage in found.passages) / (4 * max(len(asked), 1))),
        words=_share(asked, set(content_words(text))),
        numbers=_share(set(asked_numbers), set(numbers(text))),
        lead=found.evidence[0].score - found.evidence[: RIVAL + 1][-1].score,
    )


def _share(wanted: set[str], present: set[str]) -> float:
    return len(wanted & present) / len(wanted) if wanted else 1.0


def probability(found: Features) -> float:
    """Between 0 and 1: how likely the found sentences hold the answer."""
    weights, values = asdict(WEIGHTS), asdict(found)
    logit = INTERCEPT + sum(weights[name] * values[name] for name in weights)
    return 1.0 / (1.0 + math.exp(-logit))


def confidence(probability: float, answer_threshold: float, sure_threshold: float) -> Confidence:
    if probability < answer_threshold:
        return Confidence.DONT_KNOW
    return Confidence.SURE if probability >= sure_threshold else Confidence.UNCERTAIN
