"""Nothing is shown that did not pass here: every sentence must be carried by the passage it cites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from answerloop.domain import Passage, Sentence
from answerloop.text import content_words, is_negated, names, numbers, plain

MIN_SUPPORT = 0.75
"""Share of a sentence's content words that its evidence must hold."""
MAX_WORDS = 60

_CITATION = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_LABEL = re.compile(r"^(?:answer|evidence)\s*:\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence may be shown, as `text` with its citation, and the reason when not."""

    passed: bool
    text: str
    passage: int
    reason: str = ""


def check(sentence: str, question: str, evidence: Sequence[Sentence]) -> Verdict:
    """Judge one generated sentence against the evidence the model was given."""
    text = plain(_LABEL.sub("", _CITATION.sub("", sentence)))
    if not text or (not content_words(text) and not numbers(text)):
        return Verdict(False, text, 0, "empty")
    best = max(evidence, key=lambda source: support(text, source.text), default=None)
    if best is None:
        return Verdict(False, text, 0, "no evidence")
    reason = _unsupported(text, question, best.text)
    return Verdict(not reason, _cited(text, best.passage), best.passage, reason)


def support(text: str, source: str) -> float:
    """Share of the content words of the text that the source holds."""
    wanted = content_words(text)
    held = set(content_words(source))
    return sum(word in held for word in wanted) / len(wanted) if wanted else 1.0


def _unsupported(text: str, question: str, source: str) -> str:
    """Why the source does not carry the text; empty when it does."""
    if numbers(text) - numbers(source):
        return "a number that is not in the source"
    if names(text) - names(source) - {word.lower() for word in re.findall(r"[\w-]+", source)}:
        return "a name that is not in the source"
    if support(text, source) < MIN_SUPPORT:
        return "too few words of the source"
    if is_negated(text) and not is_negated(source):
        return "a negation that is not in the source"
    if not set(content_words(text)) - set(content_words(question)) and not numbers(text) - numbers(question):
        return "says nothing that the question did not"
    return ""


def quote(evidence: Sentence) -> str:
    """A sentence of a document as it may be shown, with its citation."""
    return _cited(plain(evidence.text), evidence.passage)


def _cited(text: str, passage: int) -> str:
    return f"{text} [{passage}]"


def is_said_by(direct: str, quoted: str) -> bool:
    """Whether the quote alone already reads like the direct answer."""
    return len(content_words(direct)) >= 0.7 * len(content_words(quoted))


def cited_numbers(text: str, passages: Sequence[Passage]) -> frozenset[int]:
    """The passages that the text cites; each exists."""
    found = {int(number) for number in re.findall(r"\[(\d+)\]", text)}
    return frozenset(number for number in found if 1 <= number <= len(passages))
