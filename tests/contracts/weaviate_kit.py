"""The Weaviate that tests speak to: a real one where it is named, else our own small one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import weaviate

from answerloop.backends.index_weaviate import WeaviateDocumentIndex
from answerloop.backends.weaviate_api import Address
from answerloop.testing.port_suites import DIMENSION
from answerloop.testing.weaviate_server import WeaviateServer

REAL = os.environ.get("ANSWERLOOP_TEST_WEAVIATE_URL", "")
REAL_GRPC_PORT = int(os.environ.get("ANSWERLOOP_TEST_WEAVIATE_GRPC_PORT", "50051"))
REAL_API_KEY = os.environ.get("ANSWERLOOP_TEST_WEAVIATE_API_KEY", "")
EMBEDDER = "suite-embedder"


def index_at(
    address: Address, prefix: str = "Suite", embedder: str = EMBEDDER, quantisation: str = "none"
) -> WeaviateDocumentIndex:
    return WeaviateDocumentIndex.at(address, embedder, DIMENSION, quantisation=quantisation, prefix=prefix)


@contextmanager
def own_server(api_key: str = "", version: str = "1.32.0") -> Iterator[tuple[WeaviateServer, Address]]:
    server = WeaviateServer(api_key, version)
    try:
        yield server, Address(server.url, server.grpc_port, api_key, timeout_seconds=5)
    finally:
        server.stop()


@contextmanager
def real_server() -> Iterator[tuple[Address, str]]:
    """With a prefix of its own, of which nothing stays."""
    address = Address(REAL, REAL_GRPC_PORT, REAL_API_KEY, timeout_seconds=20)
    prefix = f"Suite{uuid4().hex[:8]}"
    try:
        yield address, prefix
    finally:
        _clear(address, prefix)


def _clear(address: Address, prefix: str) -> None:
    from answerloop.backends.weaviate_api import _client_of  # the tests alone remove whole collections

    client: weaviate.WeaviateClient = _client_of(address)
    client.connect()
    try:
        for alias in [name for name in client.alias.list_all() if name.startswith(f"{prefix}_")]:
            client.alias.delete(alias_name=alias)
        client.collections.delete([name for name in client.collections.list_all() if name.startswith(f"{prefix}_")])
    finally:
        client.close()
