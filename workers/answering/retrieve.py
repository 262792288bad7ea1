"""Find the passages that answer a question, and in them the sentences.

Two legs (words, vectors) run inside the index with the reader set as a prefilter. Their scores become one (`fuse`), the
rights are checked again, near-duplicates are folded, of two editions the newer goes first, and adjacent chunks of a
document become one passage.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from answerloop.db.repositories import documents
from answerloop.db.repositories.documents import Standing
from answerloop.db.session import Database
from answerloop.domain import Audience, Hit, Passage, Sentence, Turn, Vector
from answerloop.ports import DocumentIndex, Embedder, IndexQuery, Reranker
from workers.answering.abbreviations import expansion
from workers.answering.credentials import without_credentials
from workers.answering.fuse import fold_duplicates, fuse, newer_first
from workers.answering.merge import merge_adjacent
from workers.answering.rewrite import standalone
from workers.answering.select import select_sentences
from workers.answering.separation import separate

CANDIDATES = 100  # hits of each leg
RERANKED = 30  # passages a cross-encoder reads
LEFT_OUT = "untrusted documents never stand beside restricted ones: the worse ranked of them were left out"


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found: passages by falling score, sentences by falling score, and the index they came from."""

    query: str
    passages: tuple[Passage, ...]
    evidence: tuple[Sentence, ...]
    index_version: str
    notes: tuple[str, ...] = ()


class Retriever:
    def __init__(
        self,
        index: DocumentIndex,
        embedder: Embedder,
        database: Database,
        passages: int,
        reranker: Reranker | None = None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._database = database
        self._passages = passages
        self._reranker = reranker

    def retrieve(
        self, question: str, history: Sequence[Turn], audience: Audience, sources: Collection[str] = ()
    ) -> Retrieved:
        """From these sources alone, where some are named.

        Raises IndexUnavailable, IndexMismatch, DatabaseUnavailable.
        """
        query, vector = self.understand(question, history)
        return self.gathered(query, vector, self.rank(query, vector, audience, sources), audience.tenant)

    def gathered(self, query: str, vector: Vector, found: Sequence[tuple[Hit, float]], tenant: str) -> Retrieved:
        """The passages of these chunks (best first), and their sentences. Raises IndexUnavailable."""
        best = self._passages * 2
        kept, left_out = separate(found)
        ranked = kept[:best]
        passages = merge_adjacent([hit for hit, _ in ranked], [score for _, score in ranked])[: self._passages]
        evidence = select_sentences(query, vector, passages, [hit for hit, _ in ranked])
        notes = (LEFT_OUT,) if any(pair in found[:best] for pair in left_out) else ()
        return Retrieved(query, with_excerpts(passages, evidence), evidence, self._index.version(tenant), notes)

    def reads_anything(self, audience: Audience) -> bool:
        """Raises DatabaseUnavailable."""
        with self._database.reading() as session:
            return documents.reads_anything(session, audience)

    def understand(self, question: str, history: Sequence[Turn]) -> tuple[str, Vector]:
        """The question as it is searched, and its vector. A follow-up lies half way between the question alone and
        the question with its history, so that a change of subject is not drowned by the old one."""
        query = standalone(question, history)
        rows = self._embedder.embed(list(dict.fromkeys([query, question])))
        middle = rows.mean(axis=0)
        return query, middle / np.linalg.norm(middle)

    def rank(
        self, query: str, vector: Vector, audience: Audience, sources: Collection[str] = ()
    ) -> list[tuple[Hit, float]]:
        """Readable chunks with their fused scores, best first."""
        with self._database.reading() as session:
            readable = documents.readable_sets(session, audience)
        hits = self._index.search(IndexQuery(audience.tenant, query, vector, readable, CANDIDATES))
        also = expansion(query, (hit.chunk.text for hit in hits))
        if also:
            hits = self._index.search(IndexQuery(audience.tenant, f"{query} {also}", vector, readable, CANDIDATES))
        with self._database.reading() as session:
            allowed = documents.still_readable(session, audience, {hit.chunk.document_id for hit in hits}, sources)
        hits = [_as_it_stands(hit, allowed[hit.chunk.document_id]) for hit in hits if hit.chunk.document_id in allowed]
        scores = fuse(hits, vector)
        order = sorted(range(len(hits)), key=lambda i: (-scores[i], hits[i].chunk.id))
        return newer_first(self._reranked(query, fold_duplicates([(hits[i], float(scores[i])) for i in order])))

    def _reranked(self, query: str, ranked: list[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
        """With a cross-encoder: the best passages in its order and the upper half of the scale, the others below."""
        if self._reranker is None or not ranked:
            return ranked
        best, rest = ranked[:RERANKED], ranked[RERANKED:]
        fits = self._reranker.score(query, [_readable(hit) for hit, _ in best])
        reread = [(hit, (1.0 + fit) / 2) for (hit, _), fit in zip(best, fits, strict=True)]
        return sorted(reread, key=lambda pair: -pair[1]) + [(hit, score / 2) for hit, score in rest]


def _readable(hit: Hit) -> str:
    return "\n".join((" > ".join((hit.chunk.title, *hit.chunk.headings)), hit.chunk.text))


def _as_it_stands(hit: Hit, standing: Standing) -> Hit:
    chunk = replace(hit.chunk, modified_at=standing.modified_at)
    return replace(hit, chunk=chunk, trusted=standing.trusted, restricted=standing.restricted)


def with_excerpts(passages: Sequence[Passage], evidence: Sequence[Sentence]) -> tuple[Passage, ...]:
    """Each with its best sentence to show: its beginning may be anything, also what was planted there."""
    best: dict[int, str] = {}
    for sentence in evidence:
        best.setdefault(sentence.passage, without_credentials(sentence.text))
    return tuple(replace(passage, excerpt=best.get(number, "")) for number, passage in enumerate(passages, start=1))
