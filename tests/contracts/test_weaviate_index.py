"""The index in Weaviate: the suite of its port on our own small server, and on a real one where it is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from answerloop.backends import index_weaviate
from answerloop.backends.index_weaviate import WeaviateDocumentIndex
from answerloop.backends.weaviate_api import Address
from answerloop.testing.port_suites import DocumentIndexSuite, a_chunk, unit
from answerloop.testing.weaviate_server import WeaviateServer
from tests.contracts.weaviate_kit import REAL, index_at, own_server, real_server


@pytest.fixture
def served() -> Iterator[tuple[WeaviateServer, Address]]:
    with own_server() as served:
        yield served


class TestWeaviateDocumentIndex(DocumentIndexSuite):
    @pytest.fixture
    def index(self, served: tuple[WeaviateServer, Address]) -> Iterator[WeaviateDocumentIndex]:
        index = index_at(served[1])
        yield index
        index.close()


def test_a_document_larger_than_a_query_is_read_in_pages(served, monkeypatch):
    server, address = served
    monkeypatch.setattr(index_weaviate, "MOST_PARTS", 50)
    server.store.most_results = 100
    with closing(index_at(address)) as index:
        long = [a_chunk("d1", f"Part {n} about leave.", unit(1, n), position=n) for n in range(170)]
        short = [a_chunk("d2", "Short.", unit(1))]
        index.replace_documents("t", {"d1": long, "d2": short})
        index.update_access("t", "d1", reader_set=7, superseded=False)
        exported = dict(index.export("t"))
        assert [(chunk.position, chunk.reader_set) for chunk in exported["d1"]] == [(n, 7) for n in range(170)]
        assert len(exported["d2"]) == 1


@pytest.mark.skipif(not REAL, reason="ANSWERLOOP_TEST_WEAVIATE_URL names no server")
class TestRealWeaviateDocumentIndex(DocumentIndexSuite):
    @pytest.fixture
    def index(self) -> Iterator[WeaviateDocumentIndex]:
        with real_server() as (address, prefix):
            index = index_at(address, prefix)
            yield index
            index.close()
