"""The embedded document index: LanceDB tables on disk, one for each tenant and generation.

A table for each tenant, because BM25's word statistics are global to a table and would whisper from tenant to tenant.
The reader set is a prefilter of both legs, made of integers only. The file `<tenant>.live` names the generation that
every process searches; it is replaced atomically by `publish`.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.expr import Expr, col, lit
from lancedb.index import FTS
from lancedb.query import MatchQuery
from lancedb.table import Table

from answerloop.domain import Chunk, Hit, Vector
from answerloop.errors import IndexMismatch, IndexUnavailable, InternalError
from answerloop.ports import IndexQuery
from answerloop.text import search_words, spellings

FIRST_GENERATION = "1"
MOST_TABLES = 100_000
EXPORTED_AT_ONCE = 100  # documents
MOST_SCORED = 2_000  # chunks whose words are scored at once
_READ = [
    *("id", "document_id", "position", "title", "headings", "text", "start", "end", "url", "modified_at", "version"),
    *("reader_set", "superseded", "vector", "sentences", "sentence_vectors"),
]
OLD_VERSIONS_KEPT = timedelta(minutes=10)
"""A search that is under way in another process may still read them."""


class LanceDocumentIndex:
    """A `DocumentIndex` in a folder. Several processes may read and write it at once."""

    def __init__(self, folder: Path, embedder: str, dimension: int, *, generation: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._embedder = embedder
        self._dimension = dimension
        self._generation = generation  # None: whatever is live
        self._tables: dict[str, Table] = {}
        self._lock = threading.Lock()
        self._db = lancedb.connect(folder, read_consistency_interval=timedelta(0))

    # --- writing

    def replace_documents(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        if not chunks:
            return
        rows = pa.Table.from_pylist(
            [_row(chunk) for parts in chunks.values() for chunk in parts], schema=_schema(self._dimension)
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
            if table is None:
                return
            if not any(index.index_type == "FTS" for index in table.list_indices()):
                table.create_index("body", config=FTS(with_position=False, stem=True, remove_stop_words=True))
            table.optimize(cleanup_older_than=OLD_VERSIONS_KEPT)

    def begin_rebuild(self, tenant: str, *, resume: bool = False) -> LanceDocumentIndex:
        following = str(int(self._live(tenant)) + 1)
        if not resume:
            with _translated():
                self._db.drop_table(self._name(tenant, following), ignore_missing=True)  # left by a rebuild that died
        return LanceDocumentIndex(self._folder, self._embedder, self._dimension, generation=following)

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
        with _translated():
            table = self._table(query.tenant)
            if table is None:
                return []
            if query.vector.shape != (self._dimension,):
                raise IndexMismatch(
                    f"The query vector has shape {query.vector.shape}, the index holds ({self._dimension},)."
                )
            readable = col("reader_set").isin(sorted(query.reader_sets)) & (col("superseded") == lit(False))
            rows = _nearest(table, query, readable)
            near = [row["id"] for row in rows]
            words = " ".join(search_words(query.text))
            bm25 = _bm25(table, words, readable, MOST_SCORED)
            unscored = [name for name in near if name not in bm25] if len(bm25) == MOST_SCORED else []
            if unscored:
                bm25 |= _bm25(table, words, readable & col("id").isin(unscored), len(unscored))
            worded = sorted(bm25, key=lambda name: -bm25[name])[: query.limit]
            rows += _fetched(table, readable, sorted(set(worded) - set(near)))
        return [_hit(row, query.vector, bm25.get(row["id"], 0.0)) for row in rows]

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
                found = table.search().where(col("document_id").isin(part).to_sql()).select(_READ).to_arrow()
            chunks: dict[str, list[Chunk]] = {document: [] for document in part}
            for row in _rows(found):
                chunks[row["document_id"]].append(_chunk(row))
            for document, own in chunks.items():
                yield document, sorted(own, key=lambda chunk: chunk.position)

    def close(self) -> None:
        """Nothing is held."""

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

    def _table_to_write(self, tenant: str) -> Table:
        schema = _schema(self._dimension).with_metadata({"embedder": self._embedder})
        return self._table(tenant) or self._db.create_table(self._name(tenant), schema=schema, exist_ok=True)

    def _checked(self, table: Table, tenant: str) -> Table:
        built_with = (table.schema.metadata or {}).get(b"embedder", b"?").decode()
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


def _nearest(table: Table, query: IndexQuery, readable: Expr) -> list[dict[str, Any]]:
    search = table.search(query.vector, vector_column_name="vector").distance_type("cosine")
    return _rows(search.where(readable, prefilter=True).limit(query.limit).select([*_READ, "_distance"]).to_arrow())


def _bm25(table: Table, words: str, readable: Expr, limit: int) -> dict[str, float]:
    """The best scores by chunk id. Scores alone are cheap: most queries get those of every chunk they match."""
    if not words:
        return {}
    search = table.search(MatchQuery(words, "body"), query_type="fts").where(readable, prefilter=True)
    found = search.limit(limit).select(["id", "_score"]).to_arrow()
    return dict(zip(found["id"].to_pylist(), found["_score"].to_pylist(), strict=True))


def _fetched(table: Table, readable: Expr, ids: list[str]) -> list[dict[str, Any]]:
    wanted = (readable & col("id").isin(ids)).to_sql()
    return _rows(table.search().where(wanted).limit(len(ids)).select(_READ).to_arrow()) if ids else []


def _rows(found: pa.Table) -> list[dict[str, Any]]:
    """The vectors stay out of Python's lists: half the time of a search was spent there."""
    vectors = np.stack(found["vector"].to_numpy()) if len(found) else ()
    rows: list[dict[str, Any]] = found.drop_columns(["vector"]).to_pylist()
    return [row | {"vector": vector} for row, vector in zip(rows, vectors, strict=True)]


def _schema(dimension: int) -> pa.Schema:
    return pa.schema(
        [
            ("id", pa.string()),
            ("document_id", pa.string()),
            ("position", pa.int32()),
            ("title", pa.string()),
            ("headings", pa.list_(pa.string())),
            ("text", pa.string()),
            ("body", pa.string()),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("url", pa.string()),
            ("modified_at", pa.timestamp("us", tz="UTC")),
            ("version", pa.string()),
            ("reader_set", pa.int64()),
            ("superseded", pa.bool_()),
            ("vector", pa.list_(pa.float32(), dimension)),
            ("sentences", pa.list_(pa.string())),
            ("sentence_vectors", pa.binary()),  # float16 [sentences, dimension], row by row
        ]
    )


def _row(chunk: Chunk) -> dict[str, Any]:
    return {
        "id": chunk.id,
        "document_id": chunk.document_id,
        "position": chunk.position,
        "title": chunk.title,
        "headings": list(chunk.headings),
        "text": chunk.text,
        "body": _body(chunk),
        "start": chunk.start,
        "end": chunk.end,
        "url": chunk.url,
        "modified_at": chunk.modified_at,
        "version": chunk.version,
        "reader_set": chunk.reader_set,
        "superseded": chunk.superseded,
        "vector": chunk.vector,
        "sentences": list(chunk.sentences),
        "sentence_vectors": chunk.sentence_vectors.astype(np.float16).tobytes(),
    }


def _body(chunk: Chunk) -> str:
    written = "\n".join((chunk.title, *chunk.headings, chunk.text))
    return "\n".join((written, *spellings(written)))


def _hit(row: dict[str, Any], query: Vector, bm25: float) -> Hit:
    chunk = _chunk(row)
    return Hit(chunk, bm25, float(chunk.vector @ query))


def _chunk(row: dict[str, Any]) -> Chunk:
    vector = np.asarray(row["vector"], dtype=np.float32)
    sentences = tuple(row["sentences"])
    vectors = np.frombuffer(row["sentence_vectors"], dtype=np.float16).astype(np.float32)
    modified = row["modified_at"]
    return Chunk(
        id=row["id"],
        document_id=row["document_id"],
        position=row["position"],
        title=row["title"],
        headings=tuple(row["headings"]),
        text=row["text"],
        start=row["start"],
        end=row["end"],
        url=row["url"],
        modified_at=modified.astimezone(UTC) if modified else None,
        version=row["version"],
        reader_set=row["reader_set"],
        superseded=row["superseded"],
        vector=vector,
        sentences=sentences,
        sentence_vectors=vectors.reshape(len(sentences), -1) if sentences else vectors.reshape(0, len(vector)),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:  # what LanceDB raises when storage or a commit fails
        raise IndexUnavailable(f"The document index did not do it: {error}") from error
