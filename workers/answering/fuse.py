"""One order out of several: scores of words and vectors, copies folded, the newer of two alike first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from answerloop.domain import Chunk, Hit, Vector
from answerloop.text import numbers

LEXICAL, CHUNK, SENTENCE, RANKS = 0.16, 0.375, 0.155, 0.31  # weights that add up to 1 (benchmarks/LOG.md)
RRF_K = 60  # Cormack, Clarke and Büttcher, 2009
NEAR_DUPLICATE = 0.985  # cosine of two chunk vectors
SAME_SUBJECT = 0.9  # the same for two editions of one text
AS_GOOD = 0.03  # scores that differ by no more say nothing about which edition is meant


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
    """Leave out a chunk that says the same as a better one: only with equal readers, numbers and version."""
    if not ranked:
        return []
    vectors = np.stack([hit.chunk.vector for hit, _ in ranked])
    near = vectors @ vectors.T >= NEAR_DUPLICATE
    kept: list[int] = []
    for number, (hit, _) in enumerate(ranked):
        better = [other for other in kept if near[number, other]] if near[number, :number].any() else []
        if not any(_says_the_same(hit.chunk, ranked[other][0].chunk) for other in better):
            kept.append(number)
    return [ranked[number] for number in kept]


def _says_the_same(one: Chunk, other: Chunk) -> bool:
    """Of two chunks whose vectors are near."""
    return (one.reader_set, one.version) == (other.reader_set, other.version) and numbers(one.text) == numbers(
        other.text
    )


def newer_first(ranked: Sequence[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
    """Let a chunk pass an about equally good one on the same subject that was changed longer ago. Scores stay in place:
    the newer one takes the better."""
    ordered = list(ranked)
    for start in range(1, len(ordered)):
        at = start
        while at and _is_a_newer_edition(ordered[at], ordered[at - 1]):
            (newer, low), (older, high) = ordered[at], ordered[at - 1]
            ordered[at - 1 : at + 1] = [(newer, high), (older, low)]
            at -= 1
    return ordered


def _is_a_newer_edition(candidate: tuple[Hit, float], better: tuple[Hit, float]) -> bool:
    one, other = candidate[0].chunk, better[0].chunk
    return (
        better[1] - candidate[1] <= AS_GOOD
        and one.document_id != other.document_id
        and one.modified_at is not None
        and other.modified_at is not None
        and one.modified_at > other.modified_at
        and float(one.vector @ other.vector) >= SAME_SUBJECT
    )
