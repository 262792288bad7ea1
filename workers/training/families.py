"""Which questions mean the same, so that none is learned whose like is asked in the test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from rapidfuzz import fuzz, process

from answerloop.domain import Vector
from answerloop.text import numbers, words
from workers.answering.same_question import difference, parsed

NEAR_COSINE = 0.9
"""Two questions at least as near are one family, whatever same_question says: here the mistake that costs something is
to take a paraphrase for another question."""
NEAR_LETTERS = 88.0
"""Percent of the letters, words sorted (rapidfuzz): a question with a word changed, dropped or misspelt …"""
ALIKE_COSINE = 0.8
"""… that is as near as this, too: "Who signs the gym form?" and "Who signs the key form?" are two questions."""

DUPLICATE_LETTERS = 96.0
"""Percent of the letters, in their order."""


def families(questions: Sequence[str], vectors: Sequence[Vector]) -> list[int]:
    """The number of its family for each question: chains of questions that mean the same, or nearly so."""
    groups = Groups(len(questions))
    for one, other in _same(questions):
        groups.join(one, other)
    if len(questions) > 1:
        stacked = np.stack(list(vectors))
        cosines = stacked @ stacked.T
        plain = [" ".join(words(question)) for question in questions]
        alike = process.cdist(plain, plain, scorer=fuzz.token_sort_ratio, score_cutoff=NEAR_LETTERS) > 0
        near = (cosines >= NEAR_COSINE) | (alike & (cosines >= ALIKE_COSINE))
        for one, other in np.argwhere(np.triu(near, 1)):
            groups.join(int(one), int(other))
    return groups.numbers()


def same_question(questions: Sequence[str]) -> list[int]:
    """As `families`, of questions that mean strictly the same: two numbers in them are two questions."""
    groups = Groups(len(questions))
    for one, other in _same(questions):
        groups.join(one, other)
    return groups.numbers()


def duplicates(questions: Sequence[str]) -> list[int]:
    """As `same_question`, and whatever differs by a misspelling at most."""
    groups = Groups(len(questions))
    for one, other in _same(questions):
        groups.join(one, other)
    if len(questions) > 1:
        plain = [" ".join(words(question)) for question in questions]
        alike = process.cdist(plain, plain, scorer=fuzz.ratio, score_cutoff=DUPLICATE_LETTERS)
        for one, other in np.argwhere(np.triu(alike, 1)):
            if numbers(questions[one]) == numbers(questions[other]):
                groups.join(int(one), int(other))
    return groups.numbers()


def _same(questions: Sequence[str]) -> list[tuple[int, int]]:
    said = [parsed(question) for question in questions]
    by_words: defaultdict[frozenset[str], list[int]] = defaultdict(list)
    for at, each in enumerate(said):
        by_words[each.words].append(at)
    return [
        (one, other)
        for places in by_words.values()
        for at, one in enumerate(places)
        for other in places[at + 1 :]
        if questions[one] == questions[other] or not difference(said[one], said[other])
    ]


class Groups:
    """Disjoint sets; the number of a set is its smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._parent[second] = first

    def numbers(self) -> list[int]:
        return [self._root(at) for at in range(len(self._parent))]

    def _root(self, at: int) -> int:
        while self._parent[at] != at:
            self._parent[at] = self._parent[self._parent[at]]
            at = self._parent[at]
        return at
