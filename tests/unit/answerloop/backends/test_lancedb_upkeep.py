from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from lancedb.index import Bitmap
from lancedb.table import Table

from answerloop.backends import index_lancedb, lancedb_upkeep
from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.errors import IndexUnavailable
from answerloop.ports import IndexQuery
from answerloop.testing.port_suites import DIMENSION, a_chunk, unit


def an_index(folder: Path, exact_up_to: int) -> LanceDocumentIndex:
    return LanceDocumentIndex(folder, "embedder", DIMENSION, exact_up_to=exact_up_to)


def add(index: LanceDocumentIndex, *numbers: int) -> None:
    index.replace_documents("t", {f"d{n}": [a_chunk(f"d{n}", "Leave.", unit(1, 0.01 * n))] for n in numbers})
    index.refresh("t")


def kinds(index: LanceDocumentIndex) -> dict[str, int]:
    """The indexes of the table, with the pieces each is in."""
    table = index._table("t")
    assert table is not None
    return {made.columns[0]: made.num_segments for made in table.list_indices()}


def test_a_small_index_compares_every_vector(tmp_path: Path) -> None:
    index = an_index(tmp_path, exact_up_to=3)
    add(index, 1, 2, 3)
    assert kinds(index).keys() == {"body"}


def test_a_large_one_gets_its_vectors_and_readers_indexed(tmp_path: Path) -> None:
    index = an_index(tmp_path, exact_up_to=3)
    add(index, 1, 2, 3, 4)
    assert kinds(index).keys() == {"body", "vector", "reader_set", "superseded"}


def test_an_index_in_many_pieces_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lancedb_upkeep, "MOST_SEGMENTS", 3)
    index = an_index(tmp_path, exact_up_to=3)
    pieces = []
    add(index, *range(10))
    for n in range(10, 16):
        add(index, n)
        pieces.append(kinds(index)["vector"])
    assert max(pieces) == 3
    assert pieces[-1] < 3


def test_an_index_whose_rows_have_doubled_is_made_anew(tmp_path: Path) -> None:
    index = an_index(tmp_path, exact_up_to=3)
    add(index, *range(10))
    add(index, *range(10, 15))
    assert kinds(index)["vector"] == 2
    add(index, *range(15, 60))
    assert kinds(index)["vector"] == 1


def test_a_compaction_that_was_outrun_by_a_write_is_tried_again(tmp_path: Path) -> None:
    table = _Outrun(times=2)
    lancedb_upkeep.optimize(table)
    assert table.optimized == 1
    with pytest.raises(RuntimeError, match="commit conflict"):
        lancedb_upkeep.optimize(_Outrun(times=3))


def test_an_index_whose_making_was_outrun_by_a_write_is_tried_again() -> None:
    table = _Outrun(times=2)
    lancedb_upkeep.make_index(table, "reader_set", Bitmap())
    assert table.made == ["reader_set"]
    with pytest.raises(RuntimeError, match="commit conflict"):
        lancedb_upkeep.make_index(_Outrun(times=3), "reader_set", Bitmap())


class _Overtaken(LanceDocumentIndex):
    """One whose next search has taken its snapshot, or knows its table, when something else happens."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "embedder", DIMENSION)
        self.after_snapshot: list[Callable[[], None]] = []
        self.before_opening: list[Callable[[], None]] = []

    def _snapshot(self, tenant: str) -> Table | None:
        snapshot = super()._snapshot(tenant)
        while self.after_snapshot:
            self.after_snapshot.pop()()
        return snapshot

    def _table(self, tenant: str) -> Table | None:
        table = super()._table(tenant)
        while self.before_opening:
            self.before_opening.pop()()
        return table


def test_a_search_whose_version_is_cleaned_up_under_it_is_made_on_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lancedb_upkeep, "OLD_VERSIONS_KEPT", timedelta(milliseconds=1))
    index, writer = _Overtaken(tmp_path), an_index(tmp_path, exact_up_to=1000)
    add(writer, 1)
    writer.replace_documents("t", {"d2": [a_chunk("d2", "Leave.", unit(1))]})

    def sync() -> None:
        add(writer, 3)
        writer.replace_documents("t", {"d1": []})
        add(writer, 4)

    index.after_snapshot.append(sync)
    hits = index.search(IndexQuery("t", "leave", unit(1), frozenset({1}), 10))
    assert {hit.chunk.document_id for hit in hits} == {"d2", "d3", "d4"}


def test_a_search_whose_generation_is_replaced_before_it_opens_it_is_made_on_the_next(tmp_path: Path) -> None:
    index, writer = _Overtaken(tmp_path), an_index(tmp_path, exact_up_to=1000)
    add(writer, 1)

    def rebuild() -> None:
        generation = writer.begin_rebuild("t")
        add(generation, 2)
        generation.publish("t")

    index.before_opening.append(rebuild)
    hits = index.search(IndexQuery("t", "leave", unit(1), frozenset({1}), 10))
    assert [hit.chunk.document_id for hit in hits] == ["d2"]


def test_what_fails_otherwise_is_not_tried_again(tmp_path: Path) -> None:
    index, tries = _Overtaken(tmp_path), []
    add(index, 1)

    def fail() -> None:
        tries.append(1)
        index.before_opening.append(fail)
        raise RuntimeError("the disk is gone")

    index.before_opening.append(fail)
    with pytest.raises(IndexUnavailable, match="the disk is gone"):
        index.search(IndexQuery("t", "leave", unit(1), frozenset({1}), 10))
    assert tries == [1]


def test_near_chunks_have_their_score_for_words_also_where_more_chunks_match_than_are_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = an_index(tmp_path, exact_up_to=3)
    index.replace_documents("t", {"other": [a_chunk("other", "Leave.", unit(1), reader_set=2)]})
    add(index, *range(40))
    query = IndexQuery("t", "leave", unit(1), frozenset({1}), 15)
    scored = {hit.chunk.id: (hit.bm25, hit.cosine) for hit in index.search(query)}
    monkeypatch.setattr(index_lancedb, "MOST_SCORED", 10)
    hits = index.search(query)
    assert len(hits) >= 15
    assert all(hit.bm25 > 0 for hit in hits)
    again = {hit.chunk.id: (hit.bm25, hit.cosine) for hit in hits if hit.chunk.id in scored}
    assert len(again) >= 15
    assert again.items() <= scored.items()


@pytest.mark.parametrize("few_readable", [0, 100])
def test_a_reader_of_few_chunks_finds_them_with_and_without_the_index(
    few_readable: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_lancedb, "FEW_READABLE", few_readable)
    index = an_index(tmp_path, exact_up_to=3)
    mine = a_chunk("mine", "Nothing in common.", unit(0, 0, 1), reader_set=2)
    index.replace_documents("t", {"mine": [mine]})
    add(index, *range(300))
    assert [hit.chunk.id for hit in index.search(IndexQuery("t", "leave", unit(1), frozenset({2}), 10))] == [mine.id]


class _Outrun:
    """A table whose compaction, or index, loses against a writer so many times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.optimized = 0
        self.made: list[str] = []

    def optimize(self, **_: object) -> None:
        self._lose()
        self.optimized += 1

    def create_index(self, column: str, **_: object) -> None:
        self._lose()
        self.made.append(column)

    def _lose(self) -> None:
        if self.left:
            self.left -= 1
            raise RuntimeError("lance error: Retryable commit conflict for version 37")
