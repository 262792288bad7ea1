"""The document index of a company's service: Weaviate 1.32 or newer.

A tenant of ours is a tenant there, with a shard and word statistics of its own. Each kind of index (embedder,
dimension, quantisation) has two pairs of collections, of chunks and of heads, that hold every tenant; an alias for each
tenant names the pair it is served from, and a rebuild fills the other one. How a document is replaced at once although
there are no transactions: docs/decisions/0016.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from weaviate.classes.config import Configure
from weaviate.classes.query import Filter

from answerloop.backends.weaviate_api import Address, WeaviateApi, in_parts
from answerloop.backends.weaviate_rows import (
    HEAD,
    OF_DOCUMENTS,
    ROW,
    VECTOR,
    Names,
    chunk_of,
    chunk_properties,
    head,
    head_id,
    head_properties,
    ledger,
    ledger_id,
    row,
    vectors_of,
)
from answerloop.backends.weaviate_search import GRACE_SECONDS, Ledger, Search, checked, ledger_of
from answerloop.checksums import checksum
from answerloop.domain import Chunk, Hit
from answerloop.errors import IndexMismatch, IndexUnavailable, InternalError
from answerloop.ports import IndexQuery

DOCUMENTS_AT_ONCE = 100
MOST_PARTS = 2_000
"""Chunks that are fetched at once: a server gives no more than 10,000 by one query."""


class WeaviateDocumentIndex:
    """A `DocumentIndex`. Several processes may read and write it at once, one of them a document."""

    def __init__(
        self,
        api: WeaviateApi,
        embedder: str,
        dimension: int,
        *,
        quantisation: str = "rq",
        prefix: str = "Answerloop",
        generation: str | None = None,
    ) -> None:
        self._api = api
        self._embedder = embedder
        self._dimension = dimension
        self._quantisation = quantisation
        self._names = Names(prefix)
        self._generation = generation  # the collection of its chunks; None: whatever is live
        self._ledgers: dict[str, Ledger] = {}
        self._lock = threading.Lock()

    @classmethod
    def at(
        cls, address: Address, embedder: str, dimension: int, *, quantisation: str = "rq", prefix: str = "Answerloop"
    ) -> WeaviateDocumentIndex:
        return cls(WeaviateApi(address), embedder, dimension, quantisation=quantisation, prefix=prefix)

    # --- writing

    def replace_documents(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        for documents in in_parts(list(chunks), DOCUMENTS_AT_ONCE):
            self._replace(tenant, {document: chunks[document] for document in documents})

    def _replace(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        """The order is what keeps searches whole: new rows, heads, ledger, and a moment later the old rows go."""
        kept = self._to_write(tenant)
        own, heads = self._names.tenant(tenant), kept.chunks + OF_DOCUMENTS
        editions = {document: checksum(parts) for document, parts in chunks.items() if parts}
        before = self._api.by_ids(heads, own, [head_id(tenant, document) for document in chunks], HEAD)
        self._api.put(
            kept.chunks,
            own,
            [row(tenant, part, editions[document]) for document, parts in chunks.items() for part in parts],
        )
        self._api.put(
            heads, own, [head(tenant, name, edition, len(chunks[name])) for name, edition in editions.items()]
        )
        gone = [document for document, parts in chunks.items() if not parts]
        if gone:
            self._api.delete(heads, own, Filter.by_property("document_id").contains_any(gone))
        self._api.put(heads, own, [ledger(tenant, self._embedder, kept.chunks)])
        changed = any(editions.get(old.properties["document_id"]) != old.properties["edition"] for old in before)
        if changed and self._generation is None:
            time.sleep(GRACE_SECONDS)
        stale = [Filter.by_property("document_id").contains_any(list(chunks))]
        stale += [Filter.by_property("edition").not_equal(edition) for edition in editions.values()]
        self._api.delete(kept.chunks, own, Filter.all_of(stale))

    def update_access(self, tenant: str, document_id: str, *, reader_set: int, superseded: bool) -> None:
        """The document once more with other readers: nothing else would change all of its chunks at one moment."""
        kept = self._ledger(tenant)
        if kept is None:
            return
        heads = self._api.by_ids(
            kept.chunks + OF_DOCUMENTS, self._names.tenant(tenant), [head_id(tenant, document_id)], HEAD
        )
        for chunks in self._documents(tenant, kept, [found.properties for found in heads]).values():
            changed = [_with_access(chunk, reader_set, superseded) for chunk in chunks]
            self.replace_documents(tenant, {document_id: changed})

    def refresh(self, tenant: str) -> None:
        """The server keeps its indices up to date by itself."""

    def begin_rebuild(self, tenant: str, *, resume: bool = False) -> WeaviateDocumentIndex:
        slots = self._names.slots(self._embedder, self._dimension, self._quantisation)
        live = self._api.behind(self._names.alias(tenant))
        chunks = next(slot for slot in slots if slot + OF_DOCUMENTS != live)
        own = self._names.tenant(tenant)
        if not (resume and self._api.has_tenant(chunks + OF_DOCUMENTS, own)):
            self._drop(chunks, own)  # left by a rebuild that died
        self._prepare(tenant, chunks)
        return WeaviateDocumentIndex(
            self._api,
            self._embedder,
            self._dimension,
            quantisation=self._quantisation,
            prefix=self._names.prefix,
            generation=chunks,
        )

    def publish(self, tenant: str) -> None:
        if self._generation is None:
            raise InternalError("only a rebuilt generation can be published")
        alias, target = self._names.alias(tenant), self._generation + OF_DOCUMENTS
        before = self._api.behind(alias)
        self._api.point(alias, target)
        if before is not None and before != target:
            self._drop(before.removesuffix(OF_DOCUMENTS), self._names.tenant(tenant))

    # --- reading

    def search(self, query: IndexQuery) -> list[Hit]:
        if not query.reader_sets:
            return []
        with self._lock:
            known = self._ledgers.get(query.tenant)
        known = known or self._ledger(query.tenant)
        if known is None:
            return []
        if query.vector.shape != (self._dimension,):
            raise IndexMismatch(
                f"The query vector has shape {query.vector.shape}, the index holds ({self._dimension},)."
            )
        search = Search(self._api, self._entry(query.tenant), self._names.tenant(query.tenant), query, self._embedder)
        hits, known = search.hits(known)
        self._remember(query.tenant, known)
        return hits

    def count(self, tenant: str) -> int:
        kept = self._ledger(tenant)
        return self._api.total(kept.chunks + OF_DOCUMENTS, self._names.tenant(tenant), "parts") if kept else 0

    def version(self, tenant: str) -> str:
        kept = self._ledger(tenant)
        return f"{kept.chunks}@{kept.edition}" if kept else f"{self._entry(tenant)}@0"

    def export(self, tenant: str) -> Iterator[tuple[str, Sequence[Chunk]]]:
        kept = self._ledger(tenant)
        if kept is None:
            return
        waiting: list[Mapping[str, Any]] = []
        for found in self._api.all(kept.chunks + OF_DOCUMENTS, self._names.tenant(tenant), HEAD):
            if found.properties.get("document_id"):
                waiting.append(found.properties)
            if sum(head["parts"] for head in waiting) >= DOCUMENTS_AT_ONCE:
                yield from self._documents(tenant, kept, waiting).items()
                waiting = []
        yield from self._documents(tenant, kept, waiting).items()

    def close(self) -> None:
        self._api.close()

    # --- what stands where

    def _ledger(self, tenant: str) -> Ledger | None:
        """Of the live generation, asked just now; None when nothing was ever written. Raises IndexMismatch."""
        with self._lock:
            seen = tenant in self._ledgers
        if not seen and self._generation is None and self._api.behind(self._names.alias(tenant)) is None:
            return None
        found = self._api.by_ids(self._entry(tenant), self._names.tenant(tenant), [ledger_id(tenant)], HEAD)
        if not found:
            raise IndexUnavailable(f"The index of tenant {tenant!r} has lost its ledger.")
        return self._remember(tenant, checked(ledger_of(found[0].properties), tenant, self._embedder))

    def _remember(self, tenant: str, kept: Ledger) -> Ledger:
        with self._lock:
            self._ledgers[tenant] = kept
        return kept

    def _to_write(self, tenant: str) -> Ledger:
        kept = self._ledger(tenant)
        if kept is None:
            chunks = self._names.slots(self._embedder, self._dimension, self._quantisation)[0]
            self._prepare(tenant, chunks)
            self._api.point(self._names.alias(tenant), chunks + OF_DOCUMENTS)
            kept = self._ledger(tenant)
        if kept is None:
            raise IndexUnavailable(f"The alias of tenant {tenant!r} was made and is not there.")
        return kept

    def _prepare(self, tenant: str, chunks: str) -> None:
        own, heads = self._names.tenant(tenant), chunks + OF_DOCUMENTS
        self._api.make_collection(chunks, chunk_properties(), vectors_of(self._quantisation))
        self._api.make_collection(heads, head_properties(), Configure.Vectors.self_provided())
        self._api.add_tenant(chunks, own)
        self._api.add_tenant(heads, own)
        if not self._api.by_ids(heads, own, [ledger_id(tenant)], HEAD):
            self._api.put(heads, own, [ledger(tenant, self._embedder, chunks)])

    def _drop(self, chunks: str, own: str) -> None:
        self._api.drop_tenant(chunks, own)
        self._api.drop_tenant(chunks + OF_DOCUMENTS, own)

    def _entry(self, tenant: str) -> str:
        return self._generation + OF_DOCUMENTS if self._generation else self._names.alias(tenant)

    def _documents(self, tenant: str, kept: Ledger, heads: Sequence[Mapping[str, Any]]) -> dict[str, list[Chunk]]:
        """The chunks that these heads name, in order. Raises IndexUnavailable for a document that is live and not as it
        was written."""
        found: dict[str, list[Chunk]] = {said["document_id"]: [] for said in heads}
        editions = {said["document_id"]: said["edition"] for said in heads}
        for where, most in _queries(heads):
            for each in self._api.fetch(kept.chunks, self._names.tenant(tenant), where, most, ROW, vectors=True):
                chunk = chunk_of(each.properties, np.asarray(each.vector[VECTOR], dtype=np.float32))
                if each.properties["edition"] == editions[chunk.document_id]:
                    found[chunk.document_id].append(chunk)
        for document, chunks in found.items():
            chunks.sort(key=lambda chunk: chunk.position)
            if self._generation is None and checksum(chunks) != editions[document]:
                raise IndexUnavailable(
                    f"Document {document} does not stand in the index as it was written: if it is not being replaced "
                    "right now, run `answerloop ingest --rebuild`."
                )
        return found


def _queries(heads: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Any, int]]:
    """What finds the chunks that these heads name, MOST_PARTS at most by one query. A document that has more is read
    by the positions of its chunks, which count from 0."""
    for part in _by_size(heads):
        where = Filter.by_property("document_id").contains_any([said["document_id"] for said in part])
        where &= Filter.by_property("edition").contains_any([said["edition"] for said in part])
        parts, position = sum(said["parts"] for said in part), Filter.by_property("position")
        if parts <= MOST_PARTS:
            yield where, parts
            continue
        for start in range(0, parts, MOST_PARTS):
            end = start + MOST_PARTS
            yield where & position.greater_or_equal(start) & position.less_than(end), MOST_PARTS


def _by_size(heads: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    for said in heads:
        if part and sum(each["parts"] for each in part) + said["parts"] > MOST_PARTS:
            yield part
            part = []
        part.append(said)
    if part:
        yield part


def _with_access(chunk: Chunk, reader_set: int, superseded: bool) -> Chunk:
    return replace(chunk, reader_set=int(reader_set), superseded=superseded)
