"""While an index is written anew: nobody else indexes, and what is erased does not come back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.db.audit_tables import ReceiptRow
from answerloop.db.eraser import Eraser
from answerloop.db.repositories import documents, receipts
from answerloop.db.session import Database
from answerloop.db.tables import DocumentRow, SourceRow, now
from answerloop.errors import IndexUnavailable
from answerloop.ports import DocumentIndex
from answerloop.testing.fakes import FakeEmbedder
from workers.indexing import rest
from workers.indexing.migrate import IndexMigration
from workers.indexing.rest import at_rest
from workers.indexing.sync import Indexer

TENANT = "default"
NAMES = ("holidays", "leave", "vpn")


class House:
    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.embedder = FakeEmbedder()
        self.index = self.an_index("index")
        handbook = folder / "handbook"
        handbook.mkdir()
        for name in NAMES:
            (handbook / f"{name}.md").write_text(f"# {name}\n\nWhat everybody should know of {name}.")
        self.source = self.indexer().register(handbook, TENANT, ["everyone"])
        self.indexer().sync(self.source)
        with database.reading() as session:
            self.ids = {row.title: row.id for row in session.scalars(select(DocumentRow))}

    def an_index(self, name: str) -> LanceDocumentIndex:
        return LanceDocumentIndex(self.folder / name, self.embedder.name, self.embedder.dimension)

    def indexer(self, index: DocumentIndex | None = None) -> Indexer:
        return Indexer(self.database, index or self.index, self.embedder, chunk_tokens=64, max_document_bytes=1_000_000)

    def erase(self, name: str) -> str:
        eraser = Eraser(self.database, b"k", self.folder / "logs", self.folder / "datasets")
        receipt = eraser.document(self.ids[name], "root")
        self.indexer().forget(receipt.id)
        return receipt.id

    def erase_at(self, name: str, when: int) -> Callable[[int, int, str], None]:
        """Progress that erases it after so many documents."""

        def progress(done: int, _total: int, _document: str) -> None:
            if done == when:
                self.erase(name)

        return progress

    def held_until(self) -> Any:
        with self.database.reading() as session:
            return session.get_one(SourceRow, self.source).lease_until


class Watched:
    """An index whose generation to be does something before it is refreshed or published."""

    def __init__(self, index: DocumentIndex, **before: Callable[[], object]) -> None:
        self._index = index
        self._before = before

    def __getattr__(self, name: str) -> Any:
        if name in self._before:
            self._before.pop(name)()
        return getattr(self._index, name)

    def begin_rebuild(self, tenant: str, *, resume: bool = False) -> Any:
        return Watched(self._index.begin_rebuild(tenant, resume=resume), **self._before)


@pytest.fixture
def house(tmp_path: Path, database: Database) -> House:
    return House(tmp_path, database)


def held_by(index: DocumentIndex, house: House) -> set[str]:
    names = {document: name for name, document in house.ids.items()}
    return {names[document] for document, _ in index.export(TENANT)}


def first(house: House) -> str:
    return min(house.ids, key=lambda name: house.ids[name])


@pytest.mark.parametrize("when", [0, 1, 2])
def test_what_is_erased_during_a_rebuild_is_not_in_the_new_generation(house, when):
    """Before it is read, or after it was written."""
    name = first(house)
    house.indexer().rebuild(TENANT, house.erase_at(name, when))
    assert held_by(house.index, house) == set(NAMES) - {name}


@pytest.mark.parametrize("step", ["refresh", "publish"])
def test_what_is_erased_at_the_end_of_a_rebuild_does_not_come_back(house, step):
    watched = Watched(house.index, **{step: lambda: house.erase("leave")})
    house.indexer(watched).rebuild(TENANT)
    assert held_by(house.index, house) == set(NAMES) - {"leave"}


@pytest.mark.parametrize("step", ["refresh", "publish"])
def test_what_is_erased_during_a_migration_does_not_come_along(house, step):
    target = house.an_index("other")
    watched = Watched(target, **{step: lambda: house.erase("leave")})
    IndexMigration(house.database, house.index, watched).run(TENANT, lambda *_: None)
    assert held_by(target, house) == set(NAMES) - {"leave"}


def test_what_is_erased_while_an_index_is_copied_does_not_come_along(house, monkeypatch):
    monkeypatch.setattr("workers.indexing.migrate.COPIED_AT_ONCE", 1)
    target, gone = house.an_index("other"), set()

    def progress(_done: int, _total: int, document: str) -> None:
        if not gone:
            gone.add(next(name for name, own in house.ids.items() if own == document))
            house.erase(*gone)

    moved = IndexMigration(house.database, house.index, target).run(TENANT, progress)
    assert moved.documents == 2
    assert held_by(target, house) == set(NAMES) - gone


def test_a_receipt_is_not_settled_by_what_may_still_be_written(house):
    def since(receipt: str) -> str:
        """From when on it is counted how long old versions are left."""
        with house.database.reading() as session:
            [[_, _, said]] = session.get_one(ReceiptRow, receipt).unfinished[receipts.INDEX]
        return str(said)

    with at_rest(house.database, "the rebuild"):
        receipt = house.erase("leave")
        assert "leave" not in held_by(house.index, house)
        assert not since(receipt)
    house.indexer().forget(receipt)
    assert since(receipt)


def test_sources_stay_held_however_long_one_step_takes(house, monkeypatch):
    monkeypatch.setattr(rest, "RENEWED_AFTER_SECONDS", 0.01)
    with at_rest(house.database, "the rebuild"):
        taken = house.held_until()
        until = time.monotonic() + 20
        while house.held_until() == taken and time.monotonic() < until:
            time.sleep(0.01)
        assert house.held_until() > taken
    assert house.held_until() is None


def test_who_has_lost_a_source_publishes_nothing_and_leaves_it_to_the_other_one(house):
    theirs = now() + timedelta(minutes=5)

    def lose() -> None:
        with house.database.writing() as session:
            session.get_one(SourceRow, house.source).lease_until = theirs

    before = house.index.version(TENANT)
    with pytest.raises(IndexUnavailable, match="try the rebuild again"):
        house.indexer(Watched(house.index, refresh=lose)).rebuild(TENANT)
    assert house.index.version(TENANT) == before
    assert house.held_until() == theirs


def test_a_source_that_came_meanwhile_is_not_left_out(house, tmp_path):
    def come() -> None:
        (tmp_path / "more").mkdir()
        house.indexer().register(tmp_path / "more", TENANT, ["everyone"])

    before = house.index.version(TENANT)
    with pytest.raises(IndexUnavailable):
        house.indexer(Watched(house.index, refresh=come)).rebuild(TENANT)
    assert house.index.version(TENANT) == before


def test_a_lease_that_ran_out_is_still_ours_while_nobody_took_it(database):
    with database.writing() as session:
        source = documents.register_source(session, TENANT, "/srv/handbook", ["everyone"])
        until = documents.hold_source(session, source, timedelta(seconds=-1))
    assert until is not None
    with database.writing() as session:
        longer = documents.hold_source(session, source, timedelta(minutes=1), until)
        assert longer is not None
        assert documents.hold_source(session, source, timedelta(minutes=1), until) is None
        assert documents.hold_source(session, source, timedelta(minutes=1)) is None
        documents.free_source(session, source, until)
        assert documents.is_source_held(session)
        documents.free_source(session, source, longer)
        assert not documents.is_source_held(session)
