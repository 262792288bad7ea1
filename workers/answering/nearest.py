"""Which kind of question is this like? The nearest labelled examples decide, and can be shown to whoever asks why.

A kind wins when its three nearest examples are clearly nearer than the three nearest ordinary questions. Examples are
added by writing a line; `benchmarks/triage.py` says what that does to questions which are none of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from answerloop.domain import Concern, Vector
from answerloop.ports import Embedder

EXAMPLES = Path(__file__).with_name("examples.jsonl")
NEIGHBOURS = 3
MARGIN = 0.05
FLOOR = 0.4


@dataclass(frozen=True, slots=True)
class Likeness:
    concern: Concern
    example: str
    cosine: float


class NearestExamples:
    """`cache` is a file for the vectors, which are the same at every start."""

    def __init__(self, embedder: Embedder, cache: Path) -> None:
        rows = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
        self._embedder = embedder
        self._texts = [str(row["text"]) for row in rows]
        self._kinds = np.asarray([row["concern"] or "" for row in rows])
        self._vectors = self._embedded(cache)

    def of(self, question: str) -> Likeness | None:
        cosines = self._vectors @ self._embedder.embed([question])[0]
        means = {kind: float(np.sort(cosines[self._kinds == kind])[-NEIGHBOURS:].mean()) for kind in set(self._kinds)}
        ordinary = means.pop("")
        kind = max(means, key=lambda name: means[name])
        if means[kind] < FLOOR or means[kind] - ordinary < MARGIN:
            return None
        best = int(np.argmax(np.where(self._kinds == kind, cosines, -1.0)))
        return Likeness(Concern(kind), self._texts[best], round(float(cosines[best]), 3))

    def _embedded(self, cache: Path) -> Vector:
        """Anew when the examples or the embedder are others than those of the file."""
        wanted = np.asarray([self._embedder.name, *self._texts])
        if cache.exists():
            with np.load(cache) as stored:
                if np.array_equal(stored["names"], wanted):
                    vectors: Vector = stored["vectors"]
                    return vectors
        vectors = self._embedder.embed(self._texts)
        cache.parent.mkdir(parents=True, exist_ok=True)
        with cache.open("wb") as file:
            np.savez(file, names=wanted, vectors=vectors)
        return vectors
