from pathlib import Path

import lancedb
import pyarrow as pa
import pytest

from answerloop.backends import index_lancedb
from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.errors import IndexMismatch
from answerloop.testing.fakes import FakeDocumentIndex
from answerloop.testing.port_suites import DIMENSION, DocumentIndexSuite, a_chunk, unit

LEAVE = a_chunk("d1", "Leave is 90 days.", unit(1))


class TestLanceDocumentIndex(DocumentIndexSuite):
    @pytest.fixture
    def index(self, tmp_path: Path) -> LanceDocumentIndex:
        return LanceDocumentIndex(tmp_path, "suite-embedder", DIMENSION)

    def test_a_second_process_sees_every_write(self, index: LanceDocumentIndex, tmp_path: Path) -> None:
        other = LanceDocumentIndex(tmp_path, "suite-embedder", DIMENSION)
        self.fill(index, a_chunk("d1", "Leave is 90 days.", unit(1)))
        assert self.found(other, "leave", unit(1), [1]).keys() == {"d1"}
        index.replace_documents(self.tenant, {"d1": []})
        assert self.found(other, "leave", unit(1), [1]) == {}

    def test_another_embedder_is_refused(self, index: LanceDocumentIndex, tmp_path: Path) -> None:
        self.fill(index, a_chunk("d1", "Leave.", unit(1)))
        with pytest.raises(IndexMismatch, match="suite-embedder"):
            LanceDocumentIndex(tmp_path, "another", DIMENSION).count(self.tenant)

    def test_an_index_in_an_earlier_layout_is_refused_until_it_is_rebuilt(
        self, index: LanceDocumentIndex, tmp_path: Path
    ) -> None:
        earlier = pa.schema([("id", pa.string()), ("text", pa.string())], metadata={"embedder": "suite-embedder"})
        lancedb.connect(tmp_path).create_table(index._name(self.tenant), schema=earlier)
        for use in (lambda: self.found(index, "leave", unit(1), [1]), lambda: self.fill(index, LEAVE)):
            with pytest.raises(IndexMismatch, match="answerloop ingest --rebuild"):
                use()
        rebuilt = index.begin_rebuild(self.tenant)
        self.fill(rebuilt, LEAVE)
        rebuilt.publish(self.tenant)
        assert self.found(index, "leave", unit(1), [1]).keys() == {"d1"}


class TestLanceDocumentIndexBeyondExactSearch(DocumentIndexSuite):
    """Every `refresh` builds what a large index has, and every search uses it."""

    @pytest.fixture
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LanceDocumentIndex:
        monkeypatch.setattr(index_lancedb, "FEW_READABLE", 0)
        return LanceDocumentIndex(tmp_path, "suite-embedder", DIMENSION, exact_up_to=0)

    def test_chunks_are_found_before_and_after_they_are_indexed(self, index: LanceDocumentIndex) -> None:
        for round_ in range(20):
            chunk = a_chunk(f"d{round_}", "Leave.", unit(1, 0.1 * round_))
            index.replace_documents(self.tenant, {chunk.document_id: [chunk]})
            assert self.found(index, "leave", chunk.vector, [1]).keys() >= {chunk.document_id}
            index.refresh(self.tenant)
            assert self.found(index, "leave", chunk.vector, [1]).keys() >= {chunk.document_id}

    def test_of_many_unreadable_chunks_the_readable_ones_are_found(self, index: LanceDocumentIndex) -> None:
        many = [a_chunk(f"d{n}", "Leave.", unit(1, 0.001 * n)) for n in range(500)]
        self.fill(index, *many, a_chunk("far", "Nothing in common.", unit(0, 0, 1), reader_set=2))
        assert self.found(index, "leave", unit(1), [2]).keys() == {"far"}


class TestFakeDocumentIndex(DocumentIndexSuite):
    @pytest.fixture
    def index(self) -> FakeDocumentIndex:
        return FakeDocumentIndex(DIMENSION)
