from pathlib import Path

import pytest

from answerloop.backends import index_lancedb, lancedb_upkeep
from answerloop.backends.index_lancedb import LanceDocumentIndex
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
    """A table whose compaction loses against a writer so many times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.optimized = 0

    def optimize(self, **_: object) -> None:
        if self.left:
            self.left -= 1
            raise RuntimeError("lance error: Retryable commit conflict for version 37")
        self.optimized += 1
