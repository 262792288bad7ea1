"""Chunks as rows of LanceDB, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from answerloop.domain import Chunk, Hit, Vector
from answerloop.text import spellings

COLUMNS = [
    *("id", "document_id", "position", "title", "headings", "text", "start", "end", "url", "modified_at", "version"),
    *("reader_set", "superseded", "vector", "sentences", "sentence_vectors"),
]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def schema_of(dimension: int) -> pa.Schema:
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


def row_of(chunk: Chunk) -> dict[str, Any]:
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


def hits_of(found: pa.Table, order: Sequence[int], query: Vector, bm25: Mapping[int, float]) -> list[Hit]:
    """`found` has COLUMNS and the number of each row; `order` these numbers, `bm25` a score for some of them."""
    numbers = found["_rowid"].to_pylist()
    chunks = dict(zip(numbers, chunks_of(found.select(COLUMNS)), strict=True))
    return [Hit(chunks[row], bm25.get(row, 0.0), float(chunks[row].vector @ query)) for row in order]


def chunks_of(found: pa.Table) -> list[Chunk]:
    """Of a table with COLUMNS. Numbers are read by the column: row by row they took half the time of a search."""
    vectors = _matrix(found["vector"])
    sentence_vectors = _half_precision(found["sentence_vectors"], vectors.shape[1])
    changed = found["modified_at"].cast(pa.int64()).to_pylist()
    rest = found.drop_columns(["vector", "sentence_vectors", "modified_at"]).to_pylist()
    chunks = []
    for row, vector, sentences, microseconds in zip(rest, vectors, sentence_vectors, changed, strict=True):
        row |= {"headings": tuple(row["headings"]), "sentences": tuple(row["sentences"])}
        modified_at = None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
        chunks.append(Chunk(**row, modified_at=modified_at, vector=vector, sentence_vectors=sentences))
    return chunks


def _matrix(column: pa.ChunkedArray) -> Vector:
    """float32 [rows, dimension]"""
    values = np.array(column.combine_chunks().flatten(), dtype=np.float32)
    return values.reshape(len(column), column.type.list_size)


def _half_precision(column: pa.ChunkedArray, dimension: int) -> list[Vector]:
    """float32 [sentences, dimension] for each row"""
    written = column.to_pylist()
    rows = np.frombuffer(b"".join(written), dtype=np.float16).astype(np.float32).reshape(-1, dimension)
    ends = np.cumsum([len(one) // (2 * dimension) for one in written])
    return np.split(rows, ends[:-1])
