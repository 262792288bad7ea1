"""Chunks as rows of LanceDB, and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

from answerloop.domain import Chunk, Vector
from answerloop.text import spellings

TEXT_COLUMNS = [
    *("id", "document_id", "position", "title", "headings", "text", "start", "end", "url", "modified_at", "version"),
    "reader_set",
]
VECTOR_COLUMNS = ["vector", "sentences", "sentence_vectors"]
"""Together they are the fields of a chunk, in their order, but for `superseded`: a search never reads such chunks."""
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


def chunks_of(texts: pa.Table, vectors: pa.Table) -> list[Chunk]:
    """Of the same rows, with TEXT_COLUMNS (and `superseded`, where it may be so) and VECTOR_COLUMNS. Read by the
    column: row by row took half of a search."""
    matrix = _matrix(vectors["vector"])
    numbered = texts["modified_at"].cast(pa.int64())  # its own conversion asks for the time zone of each row
    texts = texts.set_column(texts.column_names.index("modified_at"), "modified_at", numbered)
    columns: dict[str, Iterable[Any]] = {name: texts[name].to_pylist() for name in TEXT_COLUMNS}
    columns["headings"] = map(tuple, columns["headings"])
    columns["modified_at"] = map(_moment, columns["modified_at"])
    columns["superseded"] = texts["superseded"].to_pylist() if "superseded" in texts.column_names else repeat(False)
    columns["vector"] = matrix
    columns["sentences"] = map(tuple, vectors["sentences"].to_pylist())
    columns["sentence_vectors"] = _half_precision(vectors["sentence_vectors"], matrix.shape[1])
    return list(map(Chunk, *columns.values()))


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


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
