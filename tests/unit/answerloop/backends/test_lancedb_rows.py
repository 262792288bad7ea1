import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest

from answerloop.backends.lancedb_rows import CHUNK_COLUMNS, chunks_of, row_of, schema_of
from answerloop.domain import Chunk
from answerloop.testing.port_suites import DIMENSION, a_chunk, unit

PLAIN = a_chunk("d1", "Leave is 90 days.", unit(1, 2), reader_set=(1 << 40) + 1, position=3)
EAST = timezone(timedelta(hours=5, minutes=30))
ODD = [
    PLAIN,
    dataclasses.replace(PLAIN, url=None, modified_at=None, version=None, headings=()),
    dataclasses.replace(PLAIN, title='Größe "quoted" \\ \n\x00 名 \U0001f600', headings=("", "], [", "b"), text=""),
    dataclasses.replace(PLAIN, sentences=(), sentence_vectors=np.zeros((0, DIMENSION), np.float32)),
    dataclasses.replace(PLAIN, sentences=("a", "b"), sentence_vectors=np.stack([unit(1), unit(3, 4)])),
    dataclasses.replace(PLAIN, modified_at=datetime(1931, 2, 3, 4, 5, 6, 123457, tzinfo=UTC)),
    dataclasses.replace(PLAIN, modified_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=EAST)),
]


def read_back(chunks: list[Chunk], columns: list[str]) -> list[Chunk]:
    rows = pa.Table.from_pylist([row_of(chunk) for chunk in chunks], schema=schema_of(DIMENSION))
    return chunks_of(rows.select(columns), DIMENSION)


def as_stored(chunk: Chunk) -> dict[str, object]:
    """Every field, vectors by their bits; those of sentences are kept in half precision."""
    said = {field.name: getattr(chunk, field.name) for field in dataclasses.fields(Chunk)}
    of_sentences = chunk.sentence_vectors.astype(np.float16).astype(np.float32)
    return said | {"vector": chunk.vector.tobytes(), "sentence_vectors": (of_sentences.shape, of_sentences.tobytes())}


@pytest.mark.parametrize("superseded", [False, True])
def test_chunks_come_back_to_the_bit_beside_any_others(superseded: bool) -> None:
    chunks = [dataclasses.replace(chunk, superseded=superseded) for chunk in ODD]
    back = read_back(chunks, [*CHUNK_COLUMNS, "superseded"])
    assert [as_stored(chunk) for chunk in back] == [as_stored(chunk) for chunk in chunks]
    assert [as_stored(one) for chunk in chunks for one in read_back([chunk], [*CHUNK_COLUMNS, "superseded"])] == [
        as_stored(chunk) for chunk in chunks
    ]


def test_what_a_search_finds_is_not_superseded_and_may_be_written_to() -> None:
    back = read_back(ODD, CHUNK_COLUMNS)
    assert not any(chunk.superseded for chunk in back)
    assert all(vectors.flags.writeable for chunk in back for vectors in (chunk.vector, chunk.sentence_vectors))


def test_no_rows_are_no_chunks() -> None:
    assert read_back([], CHUNK_COLUMNS) == []
