"""An index is copied to another backend: whole, killed in the middle, damaged, and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.backends.index_weaviate import WeaviateDocumentIndex
from answerloop.backends.weaviate_api import Address
from answerloop.checksums import checksum
from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.domain import Chunk
from answerloop.errors import ConfigurationError, IndexMismatch, IndexUnavailable
from answerloop.ports import DocumentIndex, IndexQuery
from answerloop.testing.fakes import FakeEmbedder
from answerloop.testing.weaviate_server import WeaviateServer
from tests.contracts.weaviate_kit import own_server
from workers.indexing import migrate
from workers.indexing.migrate import IndexMigration, Moved
from workers.indexing.sync import LEASE, Indexer

TENANT = "default"


class Killed(BaseException):
    """What no code of ours handles."""


class House:
    """A handbook in LanceDB, and an empty Weaviate."""

    def __init__(self, folder: Path, database: Database, server: WeaviateServer, address: Address) -> None:
        self.database = database
        self.server = server
        self.embedder = FakeEmbedder()
        self.lance = LanceDocumentIndex(folder / "index", self.embedder.name, self.embedder.dimension)
        self.weaviate = WeaviateDocumentIndex.at(address, self.embedder.name, self.embedder.dimension)
        with database.reading() as session:
            self.source = documents.sources(session)[0].id

    def indexer(self, index: DocumentIndex) -> Indexer:
        return Indexer(self.database, index, self.embedder, chunk_tokens=64, max_document_bytes=1_000_000)

    def move(self, source: DocumentIndex, target: DocumentIndex) -> Moved:
        return IndexMigration(self.database, source, target).run(TENANT, lambda done, total, item: None)

    def there(self) -> Moved:
        return self.move(self.lance, self.weaviate)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, few_documents: Path) -> Path:
    """A folder with database and index."""
    folder = tmp_path_factory.mktemp("indexed")
    database = Database(f"sqlite:///{folder / 'test.db'}")
    database.migrate()
    embedder = FakeEmbedder()
    index = LanceDocumentIndex(folder / "index", embedder.name, embedder.dimension)
    indexer = Indexer(database, index, embedder, chunk_tokens=64, max_document_bytes=1_000_000)
    indexer.sync(indexer.register(few_documents, TENANT, ["everyone"]))
    database.dispose()
    return folder


@pytest.fixture
def house(tmp_path: Path, indexed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(migrate, "COPIED_AT_ONCE", 2)
    shutil.copytree(indexed, tmp_path / "home")
    database = Database(f"sqlite:///{tmp_path / 'home' / 'test.db'}")
    with own_server() as (server, address):
        house = House(tmp_path / "home", database, server, address)
        yield house
        house.weaviate.close()
    database.dispose()


def sums(index: DocumentIndex) -> dict[str, str]:
    return {document: checksum(chunks) for document, chunks in index.export(TENANT)}


def found(index: DocumentIndex, house: House, question: str) -> set[str]:
    [vector] = house.embedder.embed([question])
    with house.database.reading() as session:
        readers = frozenset(row.reader_set_id for row in documents.of_source(session, house.source).values())
    hits = index.search(IndexQuery(TENANT, question, vector, readers, 500))
    return {hit.chunk.id for hit in hits if hit.bm25 > 0}


def test_there_and_back_everything_is_the_same(house):
    before = sums(house.lance)
    moved = house.there()
    assert moved.documents == moved.copied == len(before) > 8
    assert moved.chunks == house.lance.count(TENANT) == house.weaviate.count(TENANT)
    assert sums(house.weaviate) == before
    again = house.move(house.weaviate, house.lance)
    assert (again.checksum, again.chunks) == (moved.checksum, moved.chunks)
    assert sums(house.lance) == before


def test_both_find_the_same_words(house):
    house.there()
    for question in ("How many days of parental leave?", "VPN-4471", "reimbursed expenses", "travel 2026"):
        assert found(house.weaviate, house, question) == found(house.lance, house, question), question


class Fragile:
    """An index whose generation to be is killed after some writes."""

    def __init__(self, index: DocumentIndex, writes: int) -> None:
        self._index = index
        self.left = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def begin_rebuild(self, tenant: str, *, resume: bool = False) -> Any:
        return Fragile(self._index.begin_rebuild(tenant, resume=resume), self.left)

    def replace_documents(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1
        self._index.replace_documents(tenant, chunks)


@pytest.mark.parametrize("back", [False, True])
def test_a_run_that_was_killed_goes_on_where_it_was(house, back):
    source, target = (house.weaviate, house.lance) if back else (house.lance, house.weaviate)
    if back:
        house.there()
    version = target.version(TENANT)
    with pytest.raises(Killed):
        house.move(source, Fragile(target, 3))
    assert target.version(TENANT) == version, "nothing is served before all of it is there"
    moved = house.move(source, target)
    assert moved.kept == 6
    assert moved.copied == moved.documents - 6
    assert sums(target) == sums(source)


def test_a_row_that_was_damaged_on_the_way_is_found_and_copied_again(house):
    def damage(request: Any) -> None:
        for each in getattr(request, "objects", ()):
            said = each.properties.non_ref_properties
            if "text" in said and "parental" in said["text"].lower():
                said["text"] = "Something else."

    house.server.before = damage
    with pytest.raises(IndexUnavailable, match="nothing was switched"):
        house.there()
    assert house.weaviate.count(TENANT) == 0
    house.server.before = None
    moved = house.there()
    assert 0 < moved.copied < moved.documents
    assert sums(house.weaviate) == sums(house.lance)


def test_a_source_that_is_not_what_the_database_lists_is_refused(house):
    house.there()
    document, chunks = next(house.weaviate.export(TENANT))
    house.lance.update_access(TENANT, document, reader_set=999, superseded=False)
    with pytest.raises(ConfigurationError, match="1 documents do not stand"):
        house.there()
    house.lance.replace_documents(TENANT, {document: []})
    with pytest.raises(ConfigurationError, match=chunks[0].title):
        house.there()


def test_what_the_database_has_forgotten_does_not_come_along(house):
    document, chunks = next(house.lance.export(TENANT))
    house.lance.replace_documents(
        TENANT, {"forgotten": [_of(chunk, "forgotten") for chunk in chunks], document: list(chunks)}
    )
    assert house.there().left_out == 1
    assert "forgotten" not in sums(house.weaviate)


def test_another_embedder_is_refused(house):
    stranger = LanceDocumentIndex(house.lance._folder, "another", house.embedder.dimension)
    with pytest.raises(IndexMismatch):
        house.move(stranger, house.weaviate)


def test_nothing_is_copied_while_a_source_is_indexed(house):
    with house.database.writing() as session:
        assert documents.hold_source(session, house.source, LEASE)
    with pytest.raises(IndexUnavailable, match="being indexed"):
        house.there()


def test_after_the_move_a_sync_finds_nothing_to_do_and_later_changes_reach_the_new_index(
    house, tmp_path, few_documents
):
    house.there()
    moved = house.indexer(house.weaviate)
    report = moved.sync(house.source)
    assert (report.indexed, report.deleted, report.access_changed) == (0, 0, 0)
    assert report.unchanged > 8
    assert moved.rebuild(TENANT) == report.unchanged
    assert sums(house.weaviate) == sums(house.lance)


def _of(chunk: Chunk, document: str) -> Chunk:
    return replace(chunk, id=f"{document}-{chunk.position}", document_id=document)
