"""The embedded groundedness detector: shared words, the speaker's voice, and exact claims. It loads no model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from answerloop.claims import carriers, grounding, source_sentences
from answerloop.domain import Grounding
from answerloop.quantities import tokens
from answerloop.text import stem

_SELF = frozenset(stem(word) for word in ("i", "me", "my", "mine", "myself"))


@dataclass(frozen=True, slots=True)
class Features:
    """Each in [0, 1]."""

    words: float
    """Share of the sentence's words, stop words too, in the source sentences it stands on."""
    speaker: float
    """1 when it speaks of its speaker ("I love …") and the source does not."""
    asks: float
    """1 when it asks: a question states nothing that a source could carry."""


# Logistic regression: `python -m benchmarks.groundedness` fits it again, benchmarks/LOG.md has its figures.
INTERCEPT = -7.38
WEIGHTS = Features(words=10.66, speaker=-2.84, asks=-1.66)


class MixedGroundednessDetector:
    """A `GroundednessDetector` for English. What it cannot see: paraphrase in other words, and who did what to whom."""

    entails = False

    def score(self, sentences: Sequence[str], passages: Sequence[str]) -> list[Grounding]:
        sources = source_sentences(passages)
        return [_judge(sentence, carriers(sentence, sources)) for sentence in sentences]


def _judge(sentence: str, carriers: Sequence[str]) -> Grounding:
    return grounding(probability(features(sentence, carriers)) if carriers else 0.0, sentence, carriers)


def features(sentence: str, carriers: Sequence[str]) -> Features:
    said, source = _stems([sentence]), set(_stems(carriers))
    return Features(
        words=sum(word in source for word in said) / len(said) if said else 0.0,
        speaker=float(not (_SELF & set(said)) <= source),
        asks=float("?" in sentence),
    )


def _stems(texts: Sequence[str]) -> list[str]:
    """Of all words and numbers, stop words too."""
    return [stem(token.lower()) for text in texts for token in tokens(text) if token.isalnum()]


def probability(found: Features) -> float:
    weights, values = asdict(WEIGHTS), asdict(found)
    logit = INTERCEPT + sum(weights[name] * values[name] for name in weights)
    return 1.0 / (1.0 + math.exp(-logit))
