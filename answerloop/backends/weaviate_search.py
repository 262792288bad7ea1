"""One search in Weaviate: two legs with the readers inside, then what they found, as it stands at one moment.

There are no transactions. What makes a search see each document whole, as one version, is said in decision 0016: the
rows of an edition are never changed, a head names the document's edition, and the ledger changes between the moment
when heads name a new edition and the one when the old one's rows go.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from weaviate.classes.query import Filter

from answerloop.backends.weaviate_api import WeaviateApi
from answerloop.backends.weaviate_rows import HEAD, ROW, VECTOR, chunk_of, head_id, ledger_id, lexical
from answerloop.domain import Hit
from answerloop.errors import IndexMismatch, IndexUnavailable
from answerloop.ports import IndexQuery

LOOKS = 8
"""So often a search is made anew while documents that it finds are being replaced; the last look is believed."""
GRACE_SECONDS = 0.25
"""So long the rows of an old edition stay after the heads name the new one: a look that takes less misses neither."""
_FOUND = ["document_id", "edition"]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a generation says of itself: where its chunks are, and a name that changes with every write."""

    chunks: str
    edition: str
    embedder: str


@dataclass(frozen=True, slots=True)
class _Look:
    """The ids that were found with their documents and editions, and what the heads said right after."""

    rows: Mapping[UUID, tuple[str, str]]
    heads: Mapping[str, str]
    ledger: Ledger
    chunks: Sequence[Any]
    scores: Mapping[UUID, float]

    seconds: float

    def whole(self, known: Ledger, before: Mapping[str, str | None]) -> bool:
        """Whether each document was found as one edition. `before` is what heads said before this look.

        Nothing was written since `known` was read, and of rows of another edition it was known before; or old rows
        were there all the time, and the new ones too, as each document's head is what it was before.
        """
        held = {document: before.get(document, "") == self.heads.get(document) for document, _ in self.rows.values()}
        other = {document for document, edition in self.rows.values() if self.heads.get(document) != edition}
        if self.ledger == known:
            return all(held[document] for document in other)
        return self.ledger.chunks == known.chunks and self.seconds < GRACE_SECONDS and all(held.values())


class Search:
    """`entry` is the collection of heads, or its alias. Raises IndexUnavailable, IndexMismatch."""

    def __init__(self, api: WeaviateApi, entry: str, tenant_name: str, query: IndexQuery, embedder: str) -> None:
        self._api = api
        self._entry = entry
        self._tenant = tenant_name
        self._query = query
        self._embedder = embedder
        self._readable = Filter.by_property("reader_set").contains_any(sorted(query.reader_sets)) & Filter.by_property(
            "superseded"
        ).equal(False)

    def hits(self, known: Ledger) -> tuple[list[Hit], Ledger]:
        """`known` is the ledger as it was before the search, at whatever time. Returns it as it is now, too."""
        before: dict[str, str | None] = {}
        for _ in range(LOOKS):
            look = self._look(known)
            if look is None:
                known = self.ledger()
                continue
            whole = look.whole(known, before)
            known = look.ledger
            before |= {document: look.heads.get(document) for document, _ in look.rows.values()}
            if whole:
                break
        if look is None:
            raise IndexUnavailable("The index is being switched to another generation.")
        return self._believed(look), known

    def ledger(self) -> Ledger:
        """Raises IndexMismatch when another embedder filled it."""
        found = self._api.by_ids(self._entry, self._tenant, [ledger_id(self._query.tenant)], HEAD)
        if not found:
            raise IndexUnavailable(f"The index of tenant {self._query.tenant!r} has lost its ledger.")
        return checked(ledger_of(found[0].properties), self._query.tenant, self._embedder)

    def _look(self, known: Ledger) -> _Look | None:
        """None: the generation was switched under our feet."""
        started, words = time.monotonic(), " ".join(lexical(self._query.text))
        vector, limit = self._query.vector.astype(np.float32).tolist(), self._query.limit
        try:
            near, worded = self._api.together(
                lambda: self._api.nearest(known.chunks, self._tenant, vector, self._readable, limit, _FOUND),
                lambda: self._worded(known, words, self._readable, limit),
            )
            return self._completed(known, words, near, worded, started)
        except IndexUnavailable:
            if self.ledger().chunks == known.chunks:
                raise
            return None

    def _completed(
        self, known: Ledger, words: str, near: Sequence[Any], worded: Sequence[Any], started: float
    ) -> _Look:
        """What was found in full, with the scores of what only the other leg found; and last of all the heads and the
        ledger, which tell whether all of it was of one moment."""
        rows = {found.uuid: (found.properties["document_id"], found.properties["edition"])
                for found in (*near, *worded)}  # fmt: skip
        scores = {found.uuid: found.metadata.score for found in worded}
        missing = [found.uuid for found in near if found.uuid not in scores]
        cut = len(worded) == self._query.limit and bool(missing)
        tenant = self._query.tenant
        heads = [*{head_id(tenant, document) for document, _ in rows.values()}, ledger_id(tenant)]
        wanted = self._readable & Filter.by_id().contains_any(list(rows)) if rows else None
        also = self._readable & Filter.by_id().contains_any(missing) if cut else None
        chunks, others = self._api.together(
            lambda: self._api.fetch(known.chunks, self._tenant, wanted, len(rows), ROW, vectors=True) if rows else [],
            lambda: self._worded(known, words, also, len(missing)) if cut else [],
        )
        names = self._api.by_ids(self._entry, self._tenant, heads, HEAD)
        said = {found.properties.get("document_id"): found.properties["edition"] for found in names}
        ledgers = [ledger_of(found.properties) for found in names if found.properties.get("embedder")]
        if not ledgers:
            raise IndexUnavailable(f"The index of tenant {tenant!r} has lost its ledger.")
        return _Look(
            rows,
            {document: edition for document, edition in said.items() if document},
            checked(ledgers[0], tenant, self._embedder),
            chunks,
            scores | {found.uuid: found.metadata.score for found in others},
            time.monotonic() - started,
        )

    def _worded(self, known: Ledger, words: str, where: Any, limit: int) -> list[Any]:
        return self._api.bm25(known.chunks, self._tenant, words, where, limit, _FOUND) if words else []

    def _believed(self, look: _Look) -> list[Hit]:
        hits = []
        for found in look.chunks:
            vector = np.asarray(found.vector[VECTOR], dtype=np.float32)
            chunk = chunk_of(found.properties, vector)
            if look.heads.get(chunk.document_id) == found.properties["edition"]:
                cosine = float(vector @ self._query.vector)
                hits.append(Hit(chunk, float(look.scores.get(found.uuid) or 0.0), cosine))
        return hits


def ledger_of(said: Mapping[str, Any]) -> Ledger:
    return Ledger(said["chunks"], said["edition"], said["embedder"])


def checked(ledger: Ledger, tenant: str, embedder: str) -> Ledger:
    if ledger.embedder != embedder:
        raise IndexMismatch(
            f"The index of tenant {tenant!r} was built with the embedder {ledger.embedder}, the settings say "
            f"{embedder}: set ANSWERLOOP_EMBEDDER back, or run `answerloop ingest --rebuild`."
        )
    return ledger
