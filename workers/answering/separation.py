"""What outsiders wrote never stands beside what only some may read: an instruction hidden in the one could carry the
other out of the house (EchoLeak, CVE-2025-32711)."""

from __future__ import annotations

from collections.abc import Sequence

from answerloop.domain import Hit

Ranked = Sequence[tuple[Hit, float]]


def separate(ranked: Ranked) -> tuple[list[tuple[Hit, float]], list[tuple[Hit, float]]]:
    """What is kept and what is left out, both best first: the better ranked side stays whole."""
    if all(hit.trusted for hit, _ in ranked) or not any(hit.restricted for hit, _ in ranked):
        return list(ranked), []  # as nearly always, and comparing each with each takes its time
    kept: list[tuple[Hit, float]] = []
    left_out: list[tuple[Hit, float]] = []
    for hit, score in ranked:
        clashes = any(_must_not_meet(hit, other) for other, _ in kept)
        (left_out if clashes else kept).append((hit, score))
    return kept, left_out


def _must_not_meet(one: Hit, other: Hit) -> bool:
    if one.chunk.document_id == other.chunk.document_id:
        return False
    return (not one.trusted and other.restricted) or (one.restricted and not other.trusted)
