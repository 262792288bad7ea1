"""Made-up chunks in any number, always the same ones: vectors in clusters, words by Zipf's law, readers by document.

Vectors: a topic has a direction, a document leans away from it, a chunk from its document; chunks of one document have
a cosine of about .75, of one topic .5, and a question has .78 to its chunk. Half of the documents have the readers of
their topic, the others any. Real texts are easier to tell apart: their vectors have fewer free directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

from answerloop.domain import Chunk, Vector

DIMENSION = 384
PER_DOCUMENT = 10  # chunks
DOCUMENTS_PER_TOPIC = 100
SENTENCES, WORDS = 6, 20  # of a chunk, of a sentence: 120 words, as the chunks of the sample have
VOCABULARY = 60_000
READER_SETS = 200
READABLE = frozenset(range(38))  # reader sets whose chunks are about 19 % of all
ONE_DOCUMENT = READER_SETS  # the readers of the first document, and of no other
LIKE_ITS_TOPIC = 0.5  # of the documents have the readers of their topic
LEANS, QUESTION_LEANS = 0.7, 0.8
STOP_WORDS = [
    *("the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with"),
    *("be", "by", "on", "not", "this", "are", "or", "from", "at", "which", "but", "have", "an"),
]
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "en", "il")]
_DAY = datetime(2000, 1, 1, tzinfo=UTC)

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    vector: Vector


def document_chunks(document: int) -> list[Chunk]:
    vectors, written, reader_set = vectors_of(document), _written(document), reader_set_of(document)
    leaning = np.random.default_rng((4, document)).standard_normal((PER_DOCUMENT, SENTENCES, DIMENSION), np.float32)
    sentence_vectors = _unit(vectors[:, None, :] + leaning / np.sqrt(DIMENSION))
    return [
        _chunk(document, position, vectors[position], sentence_vectors[position], written[position], reader_set)
        for position in range(PER_DOCUMENT)
    ]


def vectors_of(document: int) -> Vector:
    """float32 [chunks of the document, dimension]"""
    rng = np.random.default_rng((3, document))
    middle = _topic(document // DOCUMENTS_PER_TOPIC) + LEANS * _directions(rng, 1)
    return _unit(middle + LEANS * _directions(rng, PER_DOCUMENT))


def reader_set_of(document: int) -> int:
    if document == 0:
        return ONE_DOCUMENT
    rng = np.random.default_rng((5, document))
    if rng.random() < LIKE_ITS_TOPIC:
        rng = np.random.default_rng((6, document // DOCUMENTS_PER_TOPIC))
    return int(rng.integers(READER_SETS))


def questions(documents: int, number: int) -> Iterator[Question]:
    """Each about some chunk: three of its rarer words, and two that many chunks have."""
    rng = np.random.default_rng(7)
    for _ in range(number):
        document, position = int(rng.integers(documents)), int(rng.integers(PER_DOCUMENT))
        rare = rng.choice(np.unique(_written(document)[position])[-30:], 3)
        common = rng.integers(len(STOP_WORDS), 300, 2)
        vector = _unit(vectors_of(document)[position] + QUESTION_LEANS * _directions(rng, 1)[0])
        yield Question(" ".join(vocabulary()[word] for word in (*rare, *common)), vector)


@cache
def vocabulary() -> list[str]:
    """By falling frequency."""
    made = [_SYLLABLES[n % 112] + _SYLLABLES[n // 112 % 112] + _SYLLABLES[n // 12544 % 112] for n in range(VOCABULARY)]
    return [*STOP_WORDS, *made][:VOCABULARY]


def _written(document: int) -> Numbers:
    """Places in the vocabulary: [chunks, sentences, words]. The inverse of Zipf's distribution, cut at its end."""
    drawn = np.random.default_rng((1, document)).random((PER_DOCUMENT, SENTENCES, WORDS))
    places: Numbers = (np.exp(drawn * np.log(VOCABULARY)) - 1).astype(np.int64)
    return places


def _chunk(document: int, position: int, vector: Vector, sentences: Vector, written: Numbers, reader_set: int) -> Chunk:
    words = vocabulary()
    said = tuple(" ".join([words[place] for place in row]).capitalize() + "." for row in written.tolist())
    return Chunk(
        id=f"d{document}-{position}",
        document_id=f"d{document}",
        position=position,
        title=f"Handbook {document}",
        headings=(f"Part {position}",),
        text=" ".join(said),
        start=position * 1000,
        end=position * 1000 + 900,
        url=f"https://handbook.example/{document}",
        modified_at=_DAY + timedelta(hours=document),
        version="1",
        reader_set=reader_set,
        superseded=False,
        vector=vector,
        sentences=said,
        sentence_vectors=sentences,
    )


@cache
def _topic(topic: int) -> Vector:
    return _directions(np.random.default_rng((2, topic)), 1)


def _directions(rng: np.random.Generator, rows: int) -> Vector:
    return _unit(rng.standard_normal((rows, DIMENSION), np.float32))


def _unit(rows: Vector) -> Vector:
    lengths: Vector = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / lengths
