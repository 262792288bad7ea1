"""What is sent to Weaviate, and what a search sees between any two requests of a write, on our own small server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from weaviate.proto.v1 import base_pb2, batch_delete_pb2, batch_pb2, search_get_pb2

from answerloop.backends.index_weaviate import WeaviateDocumentIndex
from answerloop.backends.weaviate_api import Address, WeaviateApi
from answerloop.domain import Chunk
from answerloop.errors import ConfigurationError, IndexMismatch, IndexUnavailable
from answerloop.ports import IndexQuery
from answerloop.testing.port_suites import a_chunk, unit
from answerloop.testing.weaviate_server import WeaviateServer
from answerloop.testing.weaviate_store import Refused
from tests.contracts.weaviate_kit import index_at, own_server

TENANT = "acme"


class Site:
    """A server, and two processes that use it."""

    def __init__(self, server: WeaviateServer, address: Address) -> None:
        self.server = server
        self.address = address
        self.index = index_at(address)
        self.other = index_at(address)

    def write(self, *chunks: Chunk) -> None:
        self.index.replace_documents(TENANT, {chunks[0].document_id: chunks})

    def seen(self, index: WeaviateDocumentIndex | None = None, readers: tuple[int, ...] = (1,)) -> list[str]:
        query = IndexQuery(TENANT, "leave", unit(1), frozenset(readers), 10)
        return sorted(hit.chunk.text for hit in (index or self.other).search(query))

    def chunk_searches(self) -> list[Any]:
        asked = self.server.asked(search_get_pb2.SearchRequest)
        return [
            request
            for request in asked
            if "_documents" not in request.collection and "_live_" not in request.collection
        ]


@pytest.fixture
def site() -> Iterator[Site]:
    with own_server() as (server, address):
        site = Site(server, address)
        yield site
        site.server.before = None
        site.index.close()
        site.other.close()


def edition(number: int, parts: int = 3) -> list[Chunk]:
    return [a_chunk("d1", f"Leave {number}.{n}", unit(1, n), position=n) for n in range(parts)]


def texts(number: int, parts: int = 3) -> list[str]:
    return [f"Leave {number}.{n}" for n in range(parts)]


def all_of(where: Any) -> Iterator[Any]:
    """What must hold, however it is nested."""
    if where.operator == base_pb2.Filters.OPERATOR_AND:
        for part in where.filters:
            yield from all_of(part)
    else:
        yield where


def test_every_search_has_the_readers_and_the_tenant_inside(site):
    site.write(*edition(1))
    site.write(a_chunk("secret", "Leave of the board.", unit(1), reader_set=2))
    site.server.requests.clear()
    site.server.replies.clear()
    assert site.seen(readers=(1, 7)) == texts(1)
    asked = site.chunk_searches()
    assert sum(request.HasField("near_vector") for request in asked) == 1
    assert sum(request.HasField("bm25_search") for request in asked) == 1
    for request in asked:
        assert request.tenant.startswith("acme_")
        assert request.consistency_level == base_pb2.CONSISTENCY_LEVEL_QUORUM
        conditions = {each.target.property: each for each in all_of(request.filters)}
        assert conditions["reader_set"].operator == base_pb2.Filters.OPERATOR_CONTAINS_ANY
        assert list(conditions["reader_set"].value_int_array.values) == [1, 7]
        assert conditions["superseded"].value_boolean is False
    assert "board" not in str(site.server.replies), "what nobody may read does not even travel"


def test_a_search_is_four_requests(site):
    site.write(*edition(1))
    assert site.seen()
    site.server.requests.clear()
    assert site.seen()
    assert len(site.server.requests) == 4, "two legs, what was found, and the heads"


def test_a_search_at_every_moment_of_a_replacement_sees_one_whole_edition(site):
    site.write(*edition(1))
    seen: list[list[str]] = []

    def look(request: Any) -> None:
        site.server.before = None
        seen.append(site.seen())
        site.server.before = look

    for parts in (3, 2, 5):  # as long, shorter, longer
        seen.clear()
        site.server.before = look
        site.write(*edition(2, parts))
        site.server.before = None
        assert len(seen) >= 5
        assert all(each in (texts(1), texts(2, parts)) for each in seen), seen
        assert site.seen() == texts(2, parts)
        site.write(*edition(1))


def test_a_document_that_is_deleted_is_there_whole_or_not_at_all(site):
    site.write(*edition(1))
    seen: list[list[str]] = []

    def look(request: Any) -> None:
        site.server.before = None
        seen.append(site.seen())
        site.server.before = look

    site.server.before = look
    site.index.replace_documents(TENANT, {"d1": []})
    site.server.before = None
    assert all(each in (texts(1), []) for each in seen)
    assert site.seen() == []


@pytest.mark.parametrize("moment", range(6))
def test_a_replacement_between_any_two_requests_of_a_search_is_seen_whole(site, moment):
    site.write(*edition(1))
    assert site.seen() == texts(1)
    passed = iter(range(100))

    def replace(request: Any) -> None:
        if next(passed) == moment:
            site.server.before = None
            site.write(*edition(2))

    site.server.before = replace
    assert site.seen() in (texts(1), texts(2))
    site.server.before = None
    site.write(*edition(2))
    assert site.seen() == texts(2)


@pytest.mark.parametrize("moment", range(6))
def test_a_generation_that_is_published_during_a_search_is_seen_whole(site, moment):
    site.write(*edition(1))
    assert site.seen() == texts(1)
    rebuilt = site.index.begin_rebuild(TENANT)
    rebuilt.replace_documents(TENANT, {"d1": edition(2)})
    passed = iter(range(100))

    def publish(request: Any) -> None:
        if next(passed) == moment:
            site.server.before = None
            rebuilt.publish(TENANT)

    site.server.before = publish
    assert site.seen() in (texts(1), texts(2))
    site.server.before = None
    rebuilt.publish(TENANT)
    assert site.seen() == texts(2)


def killed_at(site: Site, kind: type[Any], times: int = 1) -> Callable[[Any], None]:
    left = iter(range(times))

    def refuse(request: Any) -> None:
        if isinstance(request, kind) and next(left, None) == times - 1:
            raise Refused("killed")

    return refuse


@pytest.mark.parametrize(
    ("kind", "times"),
    [(batch_pb2.BatchObjectsRequest, 2), (batch_pb2.BatchObjectsRequest, 3), (batch_delete_pb2.BatchDeleteRequest, 1)],
)
def test_a_write_that_was_killed_leaves_one_whole_edition_and_is_done_again(site, kind, times):
    site.write(*edition(1))
    site.server.before = killed_at(site, kind, times)
    with pytest.raises(IndexUnavailable):
        site.write(*edition(2, 4))
    site.server.before = None
    assert site.seen() in (texts(1), texts(2, 4))
    site.write(*edition(2, 4))
    assert site.seen() == texts(2, 4)
    [(_, chunks)] = site.index.export(TENANT)
    assert len(chunks) == site.index.count(TENANT) == 4


def test_an_object_that_is_not_taken_is_an_error_and_nothing_is_lost(site):
    site.write(*edition(1))
    site.server.refuses = lambda thing: "no room" if thing.said.get("text") == "Leave 2.1" else None
    with pytest.raises(IndexUnavailable, match="no room"):
        site.write(*edition(2))
    assert site.seen() == texts(1)


def test_deleting_goes_on_until_nothing_is_left(site):
    site.write(*edition(1, 10))
    site.server.deletes_at_once = 3
    site.index.replace_documents(TENANT, {"d1": []})
    rows = [len(things) for name, found in site.server.store.collections.items() if "_documents" not in name
            for things in found.tenants.values()]  # fmt: skip
    assert rows == [0]


def test_ids_are_made_from_what_is_written(site):
    site.write(*edition(1))
    first = {each.uuid for each in site.server.asked(batch_pb2.BatchObjectsRequest)[1].objects}
    site.server.requests.clear()
    site.write(*edition(1))
    assert {each.uuid for each in site.server.asked(batch_pb2.BatchObjectsRequest)[0].objects} == first
    assert site.index.count(TENANT) == 3


def test_another_process_sees_every_write_and_every_new_generation(site):
    assert site.seen() == []
    site.write(*edition(1))
    assert site.seen() == texts(1)
    version = site.other.version(TENANT)
    rebuilt = site.index.begin_rebuild(TENANT)
    rebuilt.replace_documents(TENANT, {"d1": edition(2)})
    assert site.seen() == texts(1)
    rebuilt.publish(TENANT)
    assert site.seen() == texts(2)
    assert site.other.version(TENANT) != version


def test_one_alias_for_each_tenant_and_all_tenants_in_one_pair_of_collections(site):
    for tenant in ("acme", "other tenant"):
        site.index.replace_documents(tenant, {"d1": edition(1)})
    store = site.server.store
    assert len(store.aliases) == 2
    assert len(store.collections) == 2
    assert all(len(found.tenants) == 2 for found in store.collections.values())
    assert all(found.config["multiTenancyConfig"]["enabled"] for found in store.collections.values())
    assert all(name[0].isupper() for name in (*store.aliases, *store.collections))


@pytest.mark.parametrize("quantisation", ["none", "rq", "bq", "sq", "pq"])
def test_vectors_are_compressed_as_the_settings_say(site, quantisation):
    index = index_at(site.address, quantisation=quantisation)
    index.replace_documents(TENANT, {"d1": edition(1)})
    index.close()
    config = next(found.config for name, found in site.server.store.collections.items() if "_documents" not in name)
    vectors = config["vectorConfig"]["default"]["vectorIndexConfig"]
    assert vectors["distance"] == "dot"
    assert vectors["skipDefaultQuantization" if quantisation == "none" else quantisation]
    if quantisation in ("rq", "bq", "sq"):
        assert vectors[quantisation]["rescoreLimit"] == 200


def test_another_embedder_is_refused(site):
    site.write(*edition(1))
    stranger = index_at(site.address, embedder="another")
    with pytest.raises(IndexMismatch, match="suite-embedder"):
        stranger.count(TENANT)
    stranger.close()


def test_an_index_of_another_embedder_that_is_published_meanwhile_is_refused(site):
    site.write(*edition(1))
    assert site.seen()
    stranger = index_at(site.address, embedder="another")
    stranger.begin_rebuild(TENANT).publish(TENANT)
    stranger.close()
    with pytest.raises(IndexMismatch, match="another"):
        site.seen()


def test_the_key_is_sent_with_every_request():
    with own_server(api_key="secret") as (server, address):
        index = index_at(address)
        index.replace_documents(TENANT, {"d1": edition(1)})
        index.close()
        uninvited = index_at(Address(server.url, server.grpc_port, "wrong", 2))
        with pytest.raises(IndexUnavailable):
            uninvited.count(TENANT)
        uninvited.close()


def test_a_server_that_is_too_old_is_named():
    with own_server(version="1.31.4") as (_, address):
        api = WeaviateApi(address)
        with pytest.raises(ConfigurationError, match=r"1\.31\.4"):
            api.version()
        api.close()


def test_a_server_that_is_gone_is_said_in_time(site):
    patient = index_at(Address(site.address.url, site.address.grpc_port, "", timeout_seconds=1))
    site.write(*edition(1))
    assert site.seen(patient) == texts(1)
    site.server.stop()
    started = time.monotonic()
    with pytest.raises(IndexUnavailable):
        site.seen(patient)
    patient.close()
    nobody = index_at(Address("http://127.0.0.1:9", 9, "", timeout_seconds=1))
    with pytest.raises(IndexUnavailable):
        nobody.count(TENANT)
    nobody.close()
    assert time.monotonic() - started < 10
