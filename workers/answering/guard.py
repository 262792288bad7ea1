"""Nothing is shown that did not pass here: every sentence must be carried by the passage it cites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from answerloop.domain import Grounding, Sentence
from answerloop.placeholders import repeated_placeholders
from answerloop.ports import GroundednessDetector
from answerloop.text import content_words, is_negated, numbers, plain
from workers.answering.credentials import without_credentials

MAX_WORDS = 60
SAME_SHARE = 0.7
"""Share of a quote's content words from which a direct answer repeats it rather than leads to it."""

_CITATION = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_LABEL = re.compile(r"^(?:answer|evidence)\s*:\s*", re.IGNORECASE)
_ENDS = " .,;:!?\"'“”‘’()"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence as it may be shown and the evidence that carries it, or the reason why it may not be shown."""

    text: str = ""
    carrier: Sentence | None = None
    reason: str = ""
    grounded: float = 0.0
    """What the detector makes of it."""


class Guard:
    """Judges what a generator says."""

    def __init__(self, detector: GroundednessDetector, threshold: float) -> None:
        self._detector = detector
        self._threshold = threshold

    def check(self, sentence: str, question: str, evidence: Sequence[Sentence]) -> Verdict:
        """Judge one generated sentence against the evidence the model was given. Raises GroundednessUnavailable.

        It passes as a run of words of one piece of evidence, in its order and without a gap: words that are merely all
        there can say the opposite ("under" for "over", one person's number for another's). Other words pass only where
        the detector understands them. Either way a number, name, date, limit or negation that its source lacks refuses
        it. A refusal costs little: the answer is then the quote.
        """
        if repeated_placeholders(sentence) - repeated_placeholders(" ".join(source.text for source in evidence)):
            return Verdict(reason="holds a placeholder that stands for nothing")
        text = plain(_LABEL.sub("", _CITATION.sub("", sentence))).strip(_ENDS)
        if not content_words(text) and not numbers(text):
            return Verdict(reason="empty")
        if not set(content_words(text)) - set(content_words(question)) and not numbers(text) - numbers(question):
            return Verdict(reason="says nothing that the question did not")
        carrier = next((source for source in evidence if _is_run_of(text, _quotable(source))), None)
        if carrier is None and not self._detector.entails:
            return Verdict(reason="not in the words of the evidence")
        judged = [carrier] if carrier else list(evidence)
        groundings = [self._detector.score([text], [_quotable(source)])[0] for source in judged]
        best = max(range(len(judged)), key=lambda at: groundings[at].score)
        return _verdict(text, judged[best], groundings[best], 0.0 if carrier else self._threshold)


def _verdict(text: str, carrier: Sentence, grounding: Grounding, threshold: float) -> Verdict:
    if grounding.mismatches:
        return Verdict(reason=f"contradicts its source: {'; '.join(grounding.mismatches)}", grounded=grounding.score)
    if grounding.score < threshold:
        return Verdict(reason="not carried by the evidence", grounded=grounding.score)
    if is_negated(text) != is_negated(carrier.text):
        return Verdict(reason="leaves a negation out", grounded=grounding.score)
    return Verdict(_cited(text, carrier.passage), carrier, grounded=grounding.score)


def _is_run_of(text: str, source: str) -> bool:
    """Whole words only, and a number with its sign, decimals and unit."""
    run = r"\s+".join(re.escape(word) for word in text.casefold().split())
    return re.search(rf"(?<![\w.,+−–-]){run}(?![\w%‰°]|[.,:]\d|\s?[%‰°])", source.casefold()) is not None


def quote(evidence: Sentence) -> str:
    """A sentence of a document as it may be shown, with its citation and none of the document's own making."""
    return _cited(_quotable(evidence), evidence.passage)


def _quotable(evidence: Sentence) -> str:
    return _CITATION.sub("", without_credentials(plain(evidence.text)))


def _cited(text: str, passage: int) -> str:
    return f"{text} [{passage}]"


def is_said_by(direct: str, quoted: str) -> bool:
    """Whether the quote alone already reads like the direct answer."""
    return len(content_words(direct)) >= SAME_SHARE * len(content_words(quoted))
