"""What a colleague has approved comes first: the answer to the same question, for those who may read its sources."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from answerloop.db.repositories import curated
from answerloop.db.repositories.curated import Approved, Kept
from answerloop.db.session import Database
from answerloop.domain import BASE_ADAPTER, Action, AnswerDraft, Confidence, Decision, Outcome, Usage, Vector
from answerloop.followups import leans
from answerloop.ports import Embedder
from workers.answering.grounds import shown
from workers.answering.same_question import Parsed, difference, parsed

if TYPE_CHECKING:
    from workers.answering.pipeline import Asked

RULE = "curated"
TRIED = 5
"""Of the questions that are the same, how many are tried for one that this audience may read."""
LOOKED_AGAIN_SECONDS = 10.0
"""So often everything is read again even if nothing seems to have changed: on a database with several writers at a time
what was written first may be seen last."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The approved questions of one tenant; a row of `vectors` for each."""

    ids: tuple[str, ...]
    questions: tuple[Parsed, ...]
    vectors: Vector
    by_words: dict[frozenset[str], list[int]]
    """Where to look: the same question has the same words with meaning."""


@dataclass(slots=True)
class _State:
    """What one process remembers."""

    version: tuple[int, datetime | None] | None = None
    read_at: float = 0.0
    shelves: dict[str, _Shelf] = field(default_factory=dict)


class CuratedAnswers:
    """Safe to use from many threads. A cosine below `threshold` is never the same question."""

    def __init__(self, database: Database, embedder: Embedder, threshold: float) -> None:
        self._database = database
        self._embedder = embedder
        self._threshold = threshold
        self._lock = threading.Lock()
        self._state = _State()

    def find(self, asked: Asked) -> AnswerDraft | None:
        """The approved answer, if there is one for this question and this audience, right now.

        Raises DatabaseUnavailable.
        """
        if asked.history and leans(asked.text):
            return None  # its words alone are another question
        shelf = self._shelves().get(asked.audience.tenant)
        if shelf is None:
            return None
        for at, cosine in self._same(asked.text, shelf):
            with self._database.reading() as session:
                approved = curated.in_force_for(session, shelf.ids[at], asked.audience, asked.sources)
            if approved is not None:
                return _draft(approved, cosine)
        return None

    def _same(self, question: str, shelf: _Shelf) -> list[tuple[int, float]]:
        """Which of them are this question, the nearest first."""
        said = parsed(question)
        alike = [at for at in shelf.by_words.get(said.words, ()) if not difference(said, shelf.questions[at])]
        if not alike:
            return []
        cosines = shelf.vectors[alike] @ self._embedder.embed([question])[0]
        near = [(at, float(cosine)) for at, cosine in zip(alike, cosines, strict=True) if cosine >= self._threshold]
        return sorted(near, key=lambda pair: -pair[1])[:TRIED]

    def _shelves(self) -> dict[str, _Shelf]:
        with self._database.reading() as session:
            version = curated.version(session)
        with self._lock:
            old = time.monotonic() - self._state.read_at > LOOKED_AGAIN_SECONDS
            if version != self._state.version or (version[0] and old):
                self._state = self._read(version)
            return self._state.shelves

    def _read(self, version: tuple[int, datetime | None]) -> _State:
        """What comes into force after the version was asked changes it once more, and so is read then."""
        known = {
            correction_id: (said, vector)
            for shelf in self._state.shelves.values()
            for correction_id, said, vector in zip(shelf.ids, shelf.questions, shelf.vectors, strict=True)
        }
        with self._database.reading() as session:
            rows = curated.kept(session)
        vectors = self._vectors([row for row in rows if row.correction_id not in known])
        shelves: dict[str, _Shelf] = {}
        for tenant in {row.tenant for row in rows}:
            own = [row for row in rows if row.tenant == tenant]
            kept = [known.get(row.correction_id) or (parsed(row.question), vectors[row.correction_id]) for row in own]
            by_words: dict[frozenset[str], list[int]] = {}
            for at, (said, _) in enumerate(kept):
                by_words.setdefault(said.words, []).append(at)
            shelves[tenant] = _Shelf(
                tuple(row.correction_id for row in own),
                tuple(said for said, _ in kept),
                np.stack([vector for _, vector in kept]),
                by_words,
            )
        return _State(version, time.monotonic(), shelves)

    def _vectors(self, rows: Sequence[Kept]) -> dict[str, Vector]:
        """Computed by whoever needs them first, and kept."""
        missing = [row for row in rows if row.vector is None or row.embedder != self._embedder.name]
        found = {row.correction_id: np.frombuffer(row.vector, np.float32) for row in rows if row.vector is not None}
        if missing:
            made = self._embedder.embed([row.question for row in missing])
            with self._database.writing() as session:
                for row, vector in zip(missing, made, strict=True):
                    found[row.correction_id] = vector
                    curated.store_vector(session, row.correction_id, self._embedder.name, vector.tobytes())
        return found


def _draft(approved: Approved, cosine: float) -> AnswerDraft:
    text, sources = shown(approved.text, approved.grounds)
    return AnswerDraft(
        text=text,
        outcome=Outcome.ANSWERED,
        confidence=Confidence.SURE,
        sources=sources,
        model=RULE,
        usage=Usage(BASE_ADAPTER, 0, 0),
        index_version="",
        timings_ms={},
        scores={"same_question": round(cosine, 4)},
        reason="",
        decision=Decision(Action.ANSWERED, RULE, ("approved by a colleague",)),
        correction_id=approved.correction_id,
    )
