"""What an adapter should have said: the run of words of the evidence that says what people approved.

The guard lets nothing else pass (docs/decisions/0007), so nothing else is worth learning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from answerloop.domain import Sentence
from answerloop.metrics import f1, normalise
from answerloop.text import content_words, numbers, plain

LEAST_FIT = 0.5
"""Token F1 (SQuAD) of run and approved text: half of the words. A judgement, not tuned: of the sample corrections that
are learned three had no run above it, and of the runs above it that were looked through a few said less than was
approved ("not used by 10:30 is released to others")."""
LONGEST_WORDS = 25
"""Longer is no phrase, and does not fit the tokens that an answer may have."""
_ARTICLES = frozenset(("a", "an", "the"))
_LEADING = frozenset("and or but is are was were of that which so be it".split())  # noqa: SIM905
_TRAILING = _LEADING - {"it"} | frozenset("to the a an for in at by with from if as must may can will has have".split())  # noqa: SIM905
_COPULA = re.compile(r"\b(?:is|are|was|were|takes|lasts|costs)\s+", re.IGNORECASE)
_ENDS = " .,;:!?\"'“”‘’()"


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one sentence, and how well they say what was approved (0 to 1)."""

    text: str
    sentence: Sentence
    fit: float


def best_run(approved: str, question: str, evidence: Sequence[Sentence]) -> Run | None:
    """The best of all sentences; None where none of them says it. A run with a number that was not approved, or
    without any where numbers were, says something else."""
    said = plain(approved)
    wanted = Counter(normalise(said).split())
    runs = [run for sentence in evidence if (run := _best_of(sentence, wanted, said, question)) is not None]
    return max(runs, key=lambda run: run.fit, default=None)


def _best_of(sentence: Sentence, wanted: Counter[str], approved: str, question: str) -> Run | None:
    words = plain(sentence.text).split()
    asked = set(normalise(question).split())

    def worth(run: tuple[float, int, int]) -> tuple[float, int, int]:
        """Of two that say as much, the one that says more than the question; of those the shorter."""
        fit, start, end = run
        return fit, len(set(normalise(" ".join(words[start:end])).split()) - asked), start - end

    found = max(_runs(words, wanted), key=worth, default=None)
    if found is None:
        return None
    start = found[1] - (found[1] > 0 and words[found[1] - 1].casefold() in _ARTICLES)
    text = _trimmed(" ".join(words[start : found[2]]), question)
    fit = f1(text, [approved])
    wrong = numbers(text) - numbers(approved) or (numbers(approved) and not numbers(text))
    return None if wrong or max(fit, found[0]) < LEAST_FIT or not normalise(text) else Run(text, sentence, found[0])


def _runs(words: Sequence[str], wanted: Counter[str]) -> Iterator[tuple[float, int, int]]:
    """Token F1, start and end of every run that begins and ends with a word that is wanted."""
    tokens = [normalise(word).split() for word in words]
    total = wanted.total()
    for start, first in enumerate(tokens):
        if not wanted.keys() & set(first) or words[start].casefold() in _LEADING:
            continue
        left, shared, length = wanted.copy(), 0, 0
        stop = _end_of_cell(words, start)
        for end in range(start, min(start + LONGEST_WORDS, stop)):
            for token in tokens[end]:
                length += 1
                if left[token] > 0:
                    left[token] -= 1
                    shared += 1
            if wanted.keys() & set(tokens[end]):
                yield 2 * shared / (length + total), start, end + 1


def _end_of_cell(words: Sequence[str], start: int) -> int:
    """Rows of tables read "Fact: Revenue; Value: EUR 5": no phrase goes from one cell into the next."""
    cells = [at for at in range(start, len(words)) if words[at].endswith(";") and ":" in " ".join(words[at : at + 6])]
    return cells[0] + 1 if cells else len(words)


def _trimmed(run: str, question: str) -> str:
    """Without a head that only repeats the question ("Parental leave is 90 days"), and without loose ends."""
    asked = set(content_words(question))
    copula = _COPULA.search(run)
    if copula and set(content_words(run[: copula.start()])) <= asked and content_words(run[copula.end() :]):
        run = run[copula.end() :]
    words = run.strip(_ENDS).split()
    if len(words) > 1 and words[0].endswith(":"):
        words = words[1:]
    while words and words[0].casefold() in _LEADING:
        words = words[1:]
    while words and words[-1].strip(_ENDS).casefold() in _TRAILING:
        words = words[:-1]
    return " ".join(words).strip(_ENDS)
