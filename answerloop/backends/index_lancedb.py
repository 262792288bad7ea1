"""The embedded document index: LanceDB tables on disk, one for each tenant and generation.

A table for each tenant, because BM25's word statistics are global to a table and would whisper from tenant to tenant.
The reader set is a prefilter of both legs, made of integers only. The file `<tenant>.live` names the generation that
every process searches; it is replaced atomically by `publish`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import lancedb
import pyarrow as pa
from lancedb.expr import col, lit
from lancedb.query import MatchQuery
from lancedb.table import Table

from answerloop.backends import lancedb_upkeep
from answerloop.backends.lancedb_rows import CHUNK_COLUMNS, LAYOUT, chunks_of, row_of, schema_of
from answerloop.domain import Chunk, Hit, Vector
from answerloop.errors import IndexMismatch, IndexUnavailable, InternalError
from answerloop.ports import IndexQuery
from answerloop.text import search_words

FIRST_GENERATION = "1"
MOST_TABLES = 100_000
EXPORTED_AT_ONCE = 100  # documents
_EXPORTED = [*CHUNK_COLUMNS, "superseded"]
MOST_SCORED = 2_000  # chunks whose words are scored at once
SEARCHES_AT_ONCE = 8  # as many as threads answer
FEW_READABLE = 10_000  # chunks, of which each is compared, however many others there are
LEAST_PARTITIONS = 20  # that are looked through by somebody who may read everything
PARTITIONS_BY_SHARE = 8  # who may read one chunk in five looks through five times as many
REFINED = 3  # times as many as are wanted are measured by their exact vectors


class LanceDocumentIndex:
    """A `DocumentIndex` in a folder. Several processes may read and write it at once."""

    def __init__(
        self,
        folder: Path,
        embedder: str,
        dimension: int,
        *,
        generation: str | None = None,
        exact_up_to: int = lancedb_upkeep.EXACT_UP_TO,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._embedder = embedder
        self._dimension = dimension
        self._generation = generation  # None: whatever is live
        self._exact_up_to = exact_up_to  # chunks; beyond, `refresh` builds an approximate index of the vectors
        self._tables: dict[str, Table] = {}
        self._snapshots: dict[str, tuple[int, Table]] = {}
        self._lock = threading.Lock()
        self._beside = ThreadPoolExecutor(SEARCHES_AT_ONCE, "index")  # for the other half of a search's work
        self._db = lancedb.connect(folder, read_consistency_interval=timedelta(0))

    # --- writing

    def replace_documents(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        if not chunks:
            return
        rows = pa.Table.from_pylist(
            [row_of(chunk) for parts in chunks.values() for chunk in parts], schema=schema_of(self._dimension)
        )
        with _translated():
            table = self._table_to_write(tenant)
            stale = col("document_id").isin(list(chunks)).to_sql()
            merge = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(stale).execute(rows)

    def update_access(self, tenant: str, document_id: str, *, reader_set: int, superseded: bool) -> None:
        with _translated():
            table = self._table(tenant)
            if table is not None:
                where = (col("document_id") == lit(document_id)).to_sql()
                table.update(where=where, values={"reader_set": int(reader_set), "superseded": superseded})

    def refresh(self, tenant: str) -> None:
        with _translated():
            table = self._table(tenant)
            if table is not None:
                lancedb_upkeep.look_after(table, self._exact_up_to)

    def begin_rebuild(self, tenant: str, *, resume: bool = False) -> LanceDocumentIndex:
        following = str(int(self._live(tenant)) + 1)
        if not resume:
            with _translated():
                self._db.drop_table(self._name(tenant, following), ignore_missing=True)  # left by a rebuild that died
        return LanceDocumentIndex(
            self._folder, self._embedder, self._dimension, generation=following, exact_up_to=self._exact_up_to
        )

    def publish(self, tenant: str) -> None:
        if self._generation is None:
            raise InternalError("only a rebuilt generation can be published")
        before = self._live(tenant)
        pointer = self._pointer(tenant)
        beside = pointer.with_suffix(".new")
        beside.write_text(json.dumps({"generation": self._generation}))
        beside.replace(pointer)
        if before != self._generation:
            with _translated():
                self._db.drop_table(self._name(tenant, before), ignore_missing=True)

    # --- reading

    def search(self, query: IndexQuery) -> list[Hit]:
        if not query.reader_sets:
            return []
        try:
            return self._search_now(query)
        except IndexUnavailable as error:
            if not _is_gone(error.__cause__):
                raise
            return self._search_now(query)  # a newer snapshot

    def _search_now(self, query: IndexQuery) -> list[Hit]:
        with _translated():
            table = self._snapshot(query.tenant)
            if table is None:
                return []
            if query.vector.shape != (self._dimension,):
                raise IndexMismatch(
                    f"The query vector has shape {query.vector.shape}, the index holds ({self._dimension},)."
                )
            readable = (col("reader_set").isin(sorted(query.reader_sets)) & (col("superseded") == lit(False))).to_sql()
            words = " ".join(search_words(query.text))
            by_words = self._beside.submit(_bm25, table, words, readable, MOST_SCORED)
            near = _nearest(table, query.vector, readable, query.limit, self._exact_up_to)
            bm25 = by_words.result()
            worded = sorted(bm25, key=lambda row: -bm25[row])[: query.limit]  # no row without a score has a better one
            wanted = near + sorted(set(worded) - set(near))
            reading = self._beside.submit(self._chunks, table, wanted)
            unscored = [row for row in near if row not in bm25] if len(bm25) == MOST_SCORED else []
            if unscored:
                bm25 |= _bm25(table, words, f"({readable}) AND {_these(unscored)}", len(unscored))
            found = reading.result()
        return [Hit(found[row], bm25.get(row, 0.0), float(found[row].vector @ query.vector)) for row in wanted]

    def _chunks(self, table: Table, rows: Sequence[int]) -> dict[int, Chunk]:
        """By number of row."""
        if not rows:
            return {}
        found = table.take_row_ids(list(rows)).select(CHUNK_COLUMNS).with_row_id().to_arrow()
        return dict(zip(found["_rowid"].to_pylist(), chunks_of(found, self._dimension), strict=True))

    def count(self, tenant: str) -> int:
        with _translated():
            table = self._table(tenant)
            return table.count_rows() if table is not None else 0

    def version(self, tenant: str) -> str:
        with _translated():
            table = self._table(tenant)
            return f"{table.name}@{table.version}" if table is not None else f"{self._name(tenant)}@0"

    def export(self, tenant: str) -> Iterator[tuple[str, Sequence[Chunk]]]:
        with _translated():
            table = self._table(tenant)
            if table is None:
                return
            documents = table.search().select(["document_id"]).to_arrow()["document_id"].unique().to_pylist()
        for start in range(0, len(documents), EXPORTED_AT_ONCE):
            part = documents[start : start + EXPORTED_AT_ONCE]
            with _translated():
                found = table.search().where(col("document_id").isin(part).to_sql()).select(_EXPORTED).to_arrow()
            chunks: dict[str, list[Chunk]] = {document: [] for document in part}
            for chunk in chunks_of(found, self._dimension):
                chunks[chunk.document_id].append(chunk)
            for document, own in chunks.items():
                yield document, sorted(own, key=lambda chunk: chunk.position)

    def close(self) -> None:
        self._beside.shutdown(wait=False)

    # --- tables

    def _table(self, tenant: str) -> Table | None:
        """The live table, or None when nothing was ever written. Raises IndexMismatch."""
        name = self._name(tenant)
        with self._lock:
            if name not in self._tables:
                if name not in self._db.list_tables(limit=MOST_TABLES).tables:
                    return None
                self._tables[name] = self._checked(self._db.open_table(name), tenant)
            return self._tables[name]

    def _snapshot(self, tenant: str) -> Table | None:
        """The live table as it is now, for one search: rows have their number in one version alone."""
        live = self._table(tenant)
        if live is None:
            return None
        version = live.version
        kept, snapshot = self._snapshots.get(live.name, (None, live))
        if kept != version:
            snapshot = self._db.open_table(live.name)
            snapshot.checkout(version)
            self._snapshots[live.name] = version, snapshot
        return snapshot

    def _table_to_write(self, tenant: str) -> Table:
        schema = schema_of(self._dimension).with_metadata({"embedder": self._embedder, "layout": LAYOUT})
        return self._table(tenant) or self._db.create_table(self._name(tenant), schema=schema, exist_ok=True)

    def _checked(self, table: Table, tenant: str) -> Table:
        said = table.schema.metadata or {}
        if said.get(b"layout", b"1").decode() != LAYOUT:
            raise IndexMismatch(
                f"The index of tenant {tenant!r} was written by another release, in a layout that this one does not "
                "read: run `answerloop ingest --rebuild`."
            )
        built_with = said.get(b"embedder", b"?").decode()
        if built_with != self._embedder:
            raise IndexMismatch(
                f"The index of tenant {tenant!r} was built with the embedder {built_with}, the settings say "
                f"{self._embedder}: set ANSWERLOOP_EMBEDDER back, or run `answerloop ingest --rebuild`."
            )
        return table

    def _name(self, tenant: str, generation: str | None = None) -> str:
        readable = re.sub(r"[^A-Za-z0-9]", "_", tenant)[:40]
        digest = hashlib.sha256(tenant.encode()).hexdigest()[:12]
        return f"{readable}-{digest}-{generation or self._generation or self._live(tenant)}"

    def _pointer(self, tenant: str) -> Path:
        return self._folder / f"{hashlib.sha256(tenant.encode()).hexdigest()[:12]}.live"

    def _live(self, tenant: str) -> str:
        try:
            return str(json.loads(self._pointer(tenant).read_text())["generation"])
        except FileNotFoundError:
            return FIRST_GENERATION


def _nearest(table: Table, vector: Vector, where: str, limit: int, exact_up_to: int) -> list[int]:
    """Numbers of rows, nearest first."""
    search = table.search(vector, vector_column_name="vector").distance_type("cosine").where(where, prefilter=True)
    chunks = table.count_rows()
    if chunks > exact_up_to:
        readable = table.count_rows(where)
        if readable <= FEW_READABLE:
            search = search.bypass_vector_index()
        else:
            partitions = max(LEAST_PARTITIONS, math.ceil(PARTITIONS_BY_SHARE * chunks / readable))
            search = search.nprobes(partitions).refine_factor(REFINED)
    rows: list[int] = search.limit(limit).select(["_distance"]).with_row_id(True).to_arrow()["_rowid"].to_pylist()
    return rows


def _bm25(table: Table, words: str, where: str, limit: int) -> dict[int, float]:
    """The best scores by number of row. Scores alone are cheap: most queries get those of every chunk they match."""
    if not words:
        return {}
    search = table.search(MatchQuery(words, "body"), query_type="fts").where(where, prefilter=True)
    found = search.limit(limit).select(["_score"]).with_row_id(True).to_arrow()
    return dict(zip(found["_rowid"].to_pylist(), found["_score"].to_pylist(), strict=True))


def _is_gone(cause: BaseException | None) -> bool:
    """Whether a snapshot was cleaned up, or its generation replaced, while it was opened or read."""
    said = str(cause).lower()
    return "not found" in said or "no longer exists" in said


def _these(rows: Sequence[int]) -> str:
    """Alone it is asked of every row there is; beside a condition that has an index, of the rows that meet it."""
    return f"_rowid IN ({', '.join(map(str, rows))})"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:  # what LanceDB raises when storage or a commit fails
        raise IndexUnavailable(f"The document index did not do it: {error}") from error
