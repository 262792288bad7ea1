"""Find the passages that answer a question, and in them the sentences.

Two legs (words, vectors) run inside the index with the reader set as a prefilter. Their scores, and that of the best
sentence of each chunk, are brought to one scale within the query and added up (min-max fusion). Then the rights are
checked again, near-duplicates are folded, and adjacent chunks of a document become one passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from answerloop.db.repositories import documents
from answerloop.db.repositories.documents import Standing
from answerloop.db.session import Database
from answerloop.domain import Audience, Hit, Passage, Sentence, Turn, Vector
from answerloop.ports import DocumentIndex, Embedder, IndexQuery
from answerloop.text import content_words, numbers, words
from workers.answering.credentials import without_credentials
from workers.answering.instructions import addresses_assistant, asks
from workers.answering.separation import separate

LEXICAL, CHUNK, SENTENCE, RANKS = 0.1875, 0.25, 0.1875, 0.375  # weights that add up to 1 (benchmarks/LOG.md)
RRF_K = 60  # Cormack, Clarke and Büttcher, 2009
NEAR_DUPLICATE = 0.985  # cosine of two chunk vectors
WORTH_MERGING = 0.7  # of the best score: weaker neighbours stay passages of their own
FEW_WORDS = 3  # content words with which a question hardly stands alone
CANDIDATES = 100  # hits of each leg
LEFT_OUT = "untrusted documents never stand beside restricted ones: the worse ranked of them were left out"
_CONTEXT_DEPENDENT = frozenset(
    [
        "it",
        "its",
        "they",
        "them",
        "their",
        "this",
        "that",
        "those",
        "these",
        "he",
        "she",
        "him",
        "her",
        "one",
        "ones",
        "there",
        "then",
    ]
)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found: passages by falling score, sentences by falling score, and the index they came from."""

    query: str
    passages: tuple[Passage, ...]
    evidence: tuple[Sentence, ...]
    index_version: str
    notes: tuple[str, ...] = ()


class Retriever:
    def __init__(self, index: DocumentIndex, embedder: Embedder, database: Database, passages: int) -> None:
        self._index = index
        self._embedder = embedder
        self._database = database
        self._passages = passages

    def retrieve(self, question: str, history: Sequence[Turn], audience: Audience) -> Retrieved:
        """Raises IndexUnavailable, IndexMismatch, DatabaseUnavailable."""
        query = standalone(question, history)
        vector = self._embedder.embed([query])[0]
        best = self._passages * 2
        found = self.rank(query, vector, audience)
        kept, left_out = separate(found)
        ranked = kept[:best]
        passages = merge_adjacent([hit for hit, _ in ranked], [score for _, score in ranked])[: self._passages]
        evidence = select_sentences(query, vector, passages, [hit for hit, _ in ranked])
        notes = (LEFT_OUT,) if any(pair in found[:best] for pair in left_out) else ()
        return Retrieved(
            query, with_excerpts(passages, evidence), evidence, self._index.version(audience.tenant), notes
        )

    def reads_anything(self, audience: Audience) -> bool:
        """Raises DatabaseUnavailable."""
        with self._database.reading() as session:
            return documents.reads_anything(session, audience)

    def rank(self, query: str, vector: Vector, audience: Audience) -> list[tuple[Hit, float]]:
        """Readable chunks with their fused scores, best first."""
        with self._database.reading() as session:
            readable = documents.readable_sets(session, audience)
        hits = self._index.search(IndexQuery(audience.tenant, query, vector, readable, CANDIDATES))
        with self._database.reading() as session:
            allowed = documents.still_readable(session, audience, {hit.chunk.document_id for hit in hits})
        hits = [_as_it_stands(hit, allowed[hit.chunk.document_id]) for hit in hits if hit.chunk.document_id in allowed]
        scores = fuse(hits, vector)
        order = sorted(range(len(hits)), key=lambda i: (-scores[i], hits[i].chunk.id))
        return fold_duplicates([(hits[i], float(scores[i])) for i in order])


def _as_it_stands(hit: Hit, standing: Standing) -> Hit:
    chunk = replace(hit.chunk, modified_at=standing.modified_at)
    return replace(hit, chunk=chunk, trusted=standing.trusted, restricted=standing.restricted)


def standalone(question: str, history: Sequence[Turn]) -> str:
    """A follow-up with what it refers to put before it; a question that stands alone stays as it is."""
    if not history:
        return question
    tokens = words(question)
    leans = any(token in _CONTEXT_DEPENDENT for token in tokens) or len(content_words(question)) <= FEW_WORDS
    opens = tokens[:1] in (["and"], ["but"], ["also"], ["or"], ["so"], ["then"])
    return f"{history[-1].question} {question}" if leans or opens else question


def fuse(hits: Sequence[Hit], query: Vector) -> npt.NDArray[np.float64]:
    """One score in [0, 1] for each hit: the min-max scaled scores of words, chunk and best sentence, and the reciprocal
    ranks of words and chunk, weighted. Scores tell how much better, ranks do not mind an odd scale: together they beat
    either on every set."""
    if not hits:
        return np.zeros(0)
    lexical, cosine = [hit.bm25 for hit in hits], [hit.cosine for hit in hits]
    best_sentence = [max(hit.chunk.sentence_vectors @ query, default=hit.cosine) for hit in hits]
    return (
        LEXICAL * _scaled(lexical, floor=0.0)
        + CHUNK * _scaled(cosine)
        + SENTENCE * _scaled(best_sentence)
        + RANKS * _scaled(_reciprocal_ranks(lexical) + _reciprocal_ranks(cosine))
    )


def _reciprocal_ranks(values: Sequence[float]) -> npt.NDArray[np.float64]:
    order = np.argsort(-np.asarray(values), kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    return 1.0 / (RRF_K + ranks)


def _scaled(values: Sequence[float] | npt.NDArray[np.float64], floor: float | None = None) -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    low = array.min() if floor is None else floor
    scaled: npt.NDArray[np.float64] = (array - low) / max(array.max() - low, 1e-9)
    return scaled


def fold_duplicates(ranked: Sequence[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
    """Leave out a chunk that says the same as a better one: only with equal readers, trust, numbers and version."""
    if not ranked:
        return []
    vectors = np.stack([hit.chunk.vector for hit, _ in ranked])
    near = vectors @ vectors.T >= NEAR_DUPLICATE
    kept: list[int] = []
    for number, (hit, _) in enumerate(ranked):
        better = [other for other in kept if near[number, other]] if near[number, :number].any() else []
        if not any(_says_the_same(hit, ranked[other][0]) for other in better):
            kept.append(number)
    return [ranked[number] for number in kept]


def _says_the_same(one: Hit, other: Hit) -> bool:
    """Of two chunks whose vectors are near."""
    return _standing(one) == _standing(other) and numbers(one.chunk.text) == numbers(other.chunk.text)


def _standing(hit: Hit) -> tuple[int, str | None, bool]:
    return hit.chunk.reader_set, hit.chunk.version, hit.trusted


def merge_adjacent(hits: Sequence[Hit], scores: Sequence[float]) -> list[Passage]:
    """Good chunks of one document that follow each other become one passage with the better score."""
    good = max(scores, default=0.0) * WORTH_MERGING
    weak = [(hit, score) for hit, score in zip(hits, scores, strict=True) if score < good]
    hits, scores = [h for h, s in zip(hits, scores, strict=True) if s >= good], [s for s in scores if s >= good]
    by_place = sorted(
        zip(hits, scores, strict=True), key=lambda pair: (pair[0].chunk.document_id, pair[0].chunk.position)
    )
    numbered = enumerate(by_place)
    runs = [
        [pair for _, pair in run]
        for _, run in groupby(
            numbered, key=lambda item: (item[1][0].chunk.document_id, item[1][0].chunk.position - item[0])
        )
    ]
    return sorted((_passage(run) for run in [*runs, *([pair] for pair in weak)]), key=lambda passage: -passage.score)


def _passage(run: Sequence[tuple[Hit, float]]) -> Passage:
    best = max(run, key=lambda pair: pair[1])[0]
    first, last = run[0][0].chunk, run[-1][0].chunk
    return Passage(
        document_id=first.document_id,
        chunk_id=best.chunk.id,
        title=first.title,
        headings=best.chunk.headings,
        text="\n\n".join(hit.chunk.text for hit, _ in run),
        start=first.start,
        end=last.end,
        url=first.url,
        modified_at=first.modified_at,
        score=max(score for _, score in run),
        bm25=max(hit.bm25 for hit, _ in run),
        cosine=max(hit.cosine for hit, _ in run),
        sentences=tuple(sentence for hit, _ in run for sentence in hit.chunk.sentences),
    )


def select_sentences(
    query: str, vector: Vector, passages: Sequence[Passage], hits: Sequence[Hit]
) -> tuple[Sentence, ...]:
    """Every sentence of the passages, best first: by its own vector, its passage's score and the words it shares."""
    asked = set(content_words(query))
    by_text = {
        (hit.chunk.document_id, text): row
        for hit in hits
        for text, row in zip(hit.chunk.sentences, hit.chunk.sentence_vectors, strict=True)
    }
    found = []
    for number, passage in enumerate(passages, start=1):
        for text in dict.fromkeys(passage.sentences):
            if addresses_assistant(text) or asks(text):
                continue
            cosine = float(by_text[passage.document_id, text] @ vector)
            shared = len(asked & set(content_words(text))) / len(asked) if asked else 0.0
            found.append(Sentence(text, number, 0.6 * cosine + 0.2 * passage.score + 0.2 * shared, cosine))
    return tuple(sorted(found, key=lambda sentence: -sentence.score))


def with_excerpts(passages: Sequence[Passage], evidence: Sequence[Sentence]) -> tuple[Passage, ...]:
    """Each with its best sentence to show: its beginning may be anything, also what was planted there."""
    best: dict[int, str] = {}
    for sentence in evidence:
        best.setdefault(sentence.passage, without_credentials(sentence.text))
    return tuple(replace(passage, excerpt=best.get(number, "")) for number, passage in enumerate(passages, start=1))
