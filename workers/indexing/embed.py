"""Prepared documents become chunks with the vectors of their text and of each of their sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from answerloop.domain import Chunk
from answerloop.ports import Embedder
from workers.indexing.chunk import Piece, embedding_text
from workers.indexing.sentences import sentences


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that was split, with what travels with each of its chunks."""

    id: str
    title: str
    url: str | None
    modified_at: datetime | None
    version: str | None
    reader_set: int
    superseded: bool
    pieces: Sequence[Piece]


def embed_documents(embedder: Embedder, documents: Sequence[Prepared]) -> dict[str, list[Chunk]]:
    """The chunks of each document, by its id, in the order of its text. Two batches for all of them together."""
    placed = [(document, piece) for document in documents for piece in document.pieces]
    quotable = [sentences(piece.text, piece.table_header) for _, piece in placed]
    vectors = embedder.embed(
        [embedding_text(document.title, piece.headings, _with_header(piece)) for document, piece in placed]
    )
    sentence_vectors = embedder.embed(
        [
            embedding_text(document.title, piece.headings, sentence)
            for (document, piece), own in zip(placed, quotable, strict=True)
            for sentence in own
        ]
    )
    chunks: dict[str, list[Chunk]] = {document.id: [] for document in documents}
    offset = 0
    for (document, piece), own, vector in zip(placed, quotable, vectors, strict=True):
        position = len(chunks[document.id])
        chunks[document.id].append(
            Chunk(
                id=f"{document.id}-{position}",
                document_id=document.id,
                position=position,
                title=document.title,
                headings=piece.headings,
                text=piece.text,
                start=piece.start,
                end=piece.end,
                url=document.url,
                modified_at=document.modified_at,
                version=document.version,
                reader_set=document.reader_set,
                superseded=document.superseded,
                vector=vector,
                sentences=own,
                sentence_vectors=sentence_vectors[offset : offset + len(own)],
            )
        )
        offset += len(own)
    return chunks


def _with_header(piece: Piece) -> str:
    return f"{piece.table_header}\n{piece.text}" if piece.table_header else piece.text
