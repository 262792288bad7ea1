"""Chunks as rows of LanceDB, and back.

What only a search returns is packed into one value, since reading a column costs as much as reading its bytes: the
length of the texts (four bytes), the texts (JSON), the vector (float32), the vectors of the sentences (float16), all
little endian. Who may read a chunk, and whether it is superseded, change without it and have columns of their own.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

from answerloop.domain import Chunk, Vector
from answerloop.text import spellings

LAYOUT = "2"
"""Of the columns and of what is packed; a table names it, and one with another must be built anew."""
CHUNK_COLUMNS = ["reader_set", "packed"]
"""All of a chunk but `superseded`, which a search need not read: it leaves such chunks out."""
_LENGTH = struct.Struct("<I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def schema_of(dimension: int) -> pa.Schema:
    return pa.schema(
        [
            ("id", pa.string()),
            ("document_id", pa.string()),
            ("body", pa.string()),
            ("reader_set", pa.int64()),
            ("superseded", pa.bool_()),
            ("vector", pa.list_(pa.float32(), dimension)),
            ("packed", pa.binary()),
        ]
    )


def row_of(chunk: Chunk) -> dict[str, Any]:
    return {
        "id": chunk.id,
        "document_id": chunk.document_id,
        "body": _body(chunk),
        "reader_set": chunk.reader_set,
        "superseded": chunk.superseded,
        "vector": chunk.vector,
        "packed": _packed(chunk),
    }


def _body(chunk: Chunk) -> str:
    written = "\n".join((chunk.title, *chunk.headings, chunk.text))
    return "\n".join((written, *spellings(written)))


def _packed(chunk: Chunk) -> bytes:
    said = (
        *(chunk.id, chunk.document_id, chunk.position, chunk.title, chunk.headings, chunk.text, chunk.start, chunk.end),
        *(chunk.url, _microseconds(chunk.modified_at), chunk.version, chunk.sentences),
    )
    texts = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    vectors = chunk.vector.astype("<f4").tobytes() + chunk.sentence_vectors.astype("<f2").tobytes()
    return _LENGTH.pack(len(texts)) + texts + vectors


def chunks_of(rows: pa.Table, dimension: int) -> list[Chunk]:
    """Of rows with CHUNK_COLUMNS, and `superseded` where it may be so. All texts are parsed at once, and all vectors
    made float32 at once: one by one took a quarter longer."""
    texts, vectors, sentences = [], [], []
    for packed in rows["packed"].to_pylist():
        texts_end = _LENGTH.size + _LENGTH.unpack_from(packed)[0]
        vector_end = texts_end + 4 * dimension
        texts.append(packed[_LENGTH.size : texts_end])
        vectors.append(packed[texts_end:vector_end])
        sentences.append(packed[vector_end:])
    said = json.loads(b"[%b]" % b",".join(texts))
    superseded: Iterable[bool] = rows["superseded"].to_pylist() if "superseded" in rows.column_names else repeat(False)
    ends = np.cumsum([len(written) // (2 * dimension) for written in sentences])
    of_sentences = np.split(_float32(sentences, "<f2", dimension), ends[:-1])
    return list(
        map(_chunk, said, rows["reader_set"].to_pylist(), superseded, _float32(vectors, "<f4", dimension), of_sentences)
    )


def _chunk(said: list[Any], reader_set: int, superseded: bool, vector: Vector, of_sentences: Vector) -> Chunk:
    *place, headings, text, start, end, url, modified_at, version, sentences = said
    rest = (text, start, end, url, _moment(modified_at), version, reader_set, superseded, vector)
    fields: list[Any] = [*place, tuple(headings), *rest, tuple(sentences), of_sentences]
    return Chunk(*fields)


def _float32(written: list[bytes], kind: str, dimension: int) -> Vector:
    """float32 [rows of all, dimension]"""
    return np.frombuffer(b"".join(written), dtype=kind).astype(np.float32).reshape(-1, dimension)


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
