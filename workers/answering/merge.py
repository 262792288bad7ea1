"""Chunks become passages: good ones of one document that follow each other are shown as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from answerloop.domain import Hit, Passage

WORTH_MERGING = 0.7  # of the best score: weaker neighbours stay passages of their own


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
