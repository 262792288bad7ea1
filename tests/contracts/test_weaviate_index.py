"""The index in Weaviate: the suite of its port on our own small server, and on a real one where it is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from answerloop.backends.index_weaviate import WeaviateDocumentIndex
from answerloop.backends.weaviate_api import Address
from answerloop.testing.port_suites import DocumentIndexSuite
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


@pytest.mark.skipif(not REAL, reason="ANSWERLOOP_TEST_WEAVIATE_URL names no server")
class TestRealWeaviateDocumentIndex(DocumentIndexSuite):
    @pytest.fixture
    def index(self) -> Iterator[WeaviateDocumentIndex]:
        with real_server() as (address, prefix):
            index = index_at(address, prefix)
            yield index
            index.close()
