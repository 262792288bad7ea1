"""The housekeeping of a LanceDB table: its indexes, its fragments, its old versions.

Searches go on beside it and are right at any moment: rows without an index are looked through one by one. After a quiet
time the version that one of them reads may go away under it; it is made anew on a newer one then. What breaks off
leaves the index that was there before; the next time does it again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from lancedb.index import FTS, Bitmap, IvfSq
from lancedb.table import Table

EXACT_UP_TO = 20_000
"""Chunks whose vectors are compared one by one. The measurements are in benchmarks/LOG.md."""
FILTERED = frozenset({"reader_set", "superseded"})
"""Columns by which each search leaves chunks out: read from their rows, they took half of its time."""
MOST_SEGMENTS = 16
"""Each time with new rows adds a segment to the index of the vectors, and a search goes through all of them."""
OLD_VERSIONS_KEPT = timedelta(minutes=10)
"""Since they were made, not since they were replaced: what was live for longer goes at once."""
TRIES = 3


def look_after(table: Table, exact_up_to: int) -> None:
    """Raises RuntimeError when other writers got in its way each time."""
    if not any(index.index_type == "FTS" for index in table.list_indices()):
        make_index(table, "body", FTS(with_position=False, stem=True, remove_stop_words=True))
    outgrown = _vectors_outgrown(table, exact_up_to)
    optimize(table)
    if outgrown:
        for column in FILTERED.difference(*(index.columns for index in table.list_indices())):
            make_index(table, column, Bitmap())
        make_index(table, "vector", IvfSq(distance_type="cosine"))


def _vectors_outgrown(table: Table, exact_up_to: int) -> bool:
    """Whether an index of the vectors is missing, was made for half as many rows, or is in too many pieces."""
    if table.count_rows() <= exact_up_to:
        return False
    index = next((index for index in table.list_indices() if index.columns == ["vector"]), None)
    if index is None:
        return True
    stale = index.num_unindexed_rows >= index.num_indexed_rows
    return bool(stale or index.num_segments >= MOST_SEGMENTS)


def make_index(table: Table, column: str, kind: FTS | Bitmap | IvfSq) -> None:
    _in_turn(lambda: table.create_index(column, config=kind))


def optimize(table: Table) -> None:
    """Put new rows into the indexes, small fragments together, and old versions away."""
    _in_turn(lambda: table.optimize(cleanup_older_than=OLD_VERSIONS_KEPT))


def _in_turn(work: Callable[[], object]) -> None:
    """A document that is written at the same moment goes first."""
    for attempt in range(1, TRIES + 1):
        try:
            work()
        except RuntimeError as error:
            if "commit conflict" not in str(error) or attempt == TRIES:
                raise
        else:
            return
