"""Questions that the documents did not answer, gathered into themes: each one a document that should be written."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from answerloop.db.repositories.gaps import Lack, Lacking
from answerloop.placeholders import holds_placeholder
from answerloop.text import STOP_WORDS, stem, words

APART = 0.5
"""Questions whose groups are further apart than this (mean cosine distance) are no theme."""
OTHER = "Other questions"
EXAMPLES = 4
NAME_WORDS = 3
SHORTEST_WORD = 3
_FILLER = frozenset("many much long need want possible way happens happen know tell please days day find".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Theme:
    """`name` is that of the document that should be written; `named`: a reviewer has said so. `people` is only how many
    there were. `lacks`: why, and how often. `other`: questions that are alone with what they ask."""

    name: str
    named: bool
    questions: int
    people: int
    examples: tuple[str, ...]
    nearest: str
    lacks: dict[str, int]
    other: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "examples": list(self.examples)}


def themes(lacking: Sequence[Lacking], apart: float = APART) -> list[Theme]:
    """Those that a reviewer has named first, then the most frequent. Questions that are alone come together at the
    end, unless a reviewer has named the document that they need."""
    together = clusters(lacking, apart)
    alone = [each for members in together if len(members) == 1 for each in members if not each.missing_documents]
    grouped = [members for members in together if len(members) > 1 or members[0].missing_documents]
    frequency = Counter(stemmed for each in lacking for stemmed in _stems(each.question))
    found = [_theme(members, frequency, len(lacking)) for members in grouped]
    found.sort(key=lambda theme: (not theme.named, -theme.questions, -theme.people, theme.name))
    return found + ([_described(alone, OTHER, named=False, other=True)] if alone else [])


def clusters(lacking: Sequence[Lacking], apart: float = APART) -> list[list[Lacking]]:
    """By the vectors of one embedder; a question without a vector is alone."""
    by_embedder: defaultdict[str, list[Lacking]] = defaultdict(list)
    found = [[each] for each in lacking if each.vector is None]
    for each in lacking:
        if each.vector is not None:
            by_embedder[each.embedder].append(each)
    for members in by_embedder.values():
        groups: defaultdict[int, list[Lacking]] = defaultdict(list)
        for each, label in zip(members, _labels(members, apart), strict=True):
            groups[label].append(each)
        found += groups.values()
    return found


def _labels(members: Sequence[Lacking], apart: float) -> list[int]:
    if len(members) == 1:
        return [0]
    vectors = np.stack([np.frombuffer(each.vector or b"", np.float32) for each in members])
    clustering = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=apart)
    return [int(label) for label in clustering.fit_predict(vectors)]


# --- what it is about ------------------------------------------------------------------------------------------------


def _theme(members: Sequence[Lacking], frequency: Counter[str], total: int) -> Theme:
    named = Counter(name for each in members for name in each.missing_documents)
    if named:
        return _described(members, _most(named), named=True)
    return _described(members, _name(members, frequency, total), named=False)


def _described(members: Sequence[Lacking], name: str, *, named: bool, other: bool = False) -> Theme:
    nearest = Counter(each.nearest for each in members if each.nearest)
    return Theme(
        name=name,
        named=named,
        questions=len(members),
        people=len({each.asker for each in members}),
        examples=tuple(_examples(members)),
        nearest=_most(nearest) if nearest and not other else "",
        lacks={lack.value: count for lack in Lack if (count := sum(each.lack is lack for each in members))},
        other=other,
    )


def _examples(members: Sequence[Lacking]) -> Iterable[str]:
    """Different ones, those without anybody's placeholder first, the shortest first: they say it best."""
    different = {" ".join(each.question.casefold().split()): each.question for each in reversed(members)}
    return sorted(different.values(), key=lambda text: (holds_placeholder(text), len(text), text))[:EXAMPLES]


def _name(members: Sequence[Lacking], frequency: Counter[str], total: int) -> str:
    """The words that most of its questions have and few others do, as they are mostly written."""
    spelt: defaultdict[str, Counter[str]] = defaultdict(Counter)
    held = Counter[str]()
    for each in members:
        for word in words(each.question):
            spelt[stem(word)][word] += 1
        held.update(_stems(each.question))
    weight = {word: count * (1 + math.log(total / frequency[word])) for word, count in held.items()}
    best = sorted(weight, key=lambda word: (-weight[word], word))[:NAME_WORDS]
    chosen = [word for word in best if held[word] * 2 > len(members)] or best[:1]
    if not chosen:
        return min((each.question for each in members), key=len)
    name = ", ".join(_most(spelt[word]) for word in chosen)
    return name[:1].upper() + name[1:]


def _stems(question: str) -> frozenset[str]:
    return frozenset(
        stem(word)
        for word in words(question)
        if word not in STOP_WORDS and word not in _FILLER and len(word) >= SHORTEST_WORD and not word.isdigit()
    )


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))
