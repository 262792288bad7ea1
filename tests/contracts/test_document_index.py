from pathlib import Path

import pytest

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.errors import IndexMismatch
from answerloop.testing.fakes import FakeDocumentIndex
from answerloop.testing.port_suites import DIMENSION, DocumentIndexSuite, a_chunk, unit


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


class TestFakeDocumentIndex(DocumentIndexSuite):
    @pytest.fixture
    def index(self) -> FakeDocumentIndex:
        return FakeDocumentIndex(DIMENSION)
