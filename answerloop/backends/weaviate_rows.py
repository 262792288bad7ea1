"""How chunks and documents stand in Weaviate: names, properties, and the way there and back.

A chunk is never changed: its id is made from all that its document says (the edition), so another version of a document
has other ids and stands beside the first until its head, one object for each document, names it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import numpy as np
from weaviate.classes.config import Configure, DataType, Property, Tokenization, VectorDistances, VectorFilterStrategy
from weaviate.classes.data import DataObject

from answerloop.domain import Chunk, Vector
from answerloop.text import search_words, spellings, stem, words

OF_DOCUMENTS = "_documents"
SLOTS = ("A", "B")
VECTOR = "default"
LAYOUT = "2"
"""Changes with what the collections hold: another layout is another pair of them."""
RESCORED = 200
"""Nearest chunks by compressed vectors that are looked at once more in full."""
_NAMESPACE = uuid.UUID("0c4c5be1-6f1c-4d4c-9a53-6d1f6f3f0a11")

ROW = [
    *("chunk_id", "document_id", "edition", "position", "title", "headings", "text", "start", "end", "url"),
    *("modified_at", "version", "reader_set", "superseded", "sentences", "sentence_vectors"),
]
HEAD = ["document_id", "edition", "parts", "embedder", "chunks"]


@dataclass(frozen=True, slots=True)
class Names:
    """What is called how for one tenant."""

    prefix: str

    def tenant(self, tenant: str) -> str:
        readable = re.sub(r"[^A-Za-z0-9]", "_", tenant)[:40]
        return f"{readable}_{hashlib.sha256(tenant.encode()).hexdigest()[:12]}"

    def alias(self, tenant: str) -> str:
        return f"{self.prefix}_live_{self.tenant(tenant)}"

    def slots(self, embedder: str, dimension: int, quantisation: str) -> list[str]:
        """The two collections of chunks that an index of this kind may be in: a rebuild writes to the other one."""
        kind = hashlib.sha256(f"{LAYOUT}|{embedder}|{dimension}|{quantisation}".encode()).hexdigest()[:8]
        return [f"{self.prefix}_{kind}_{slot}" for slot in SLOTS]


def row_id(tenant: str, chunk_id: str, edition: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, "\n".join(("chunk", tenant, chunk_id, edition)))


def head_id(tenant: str, document_id: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, "\n".join(("document", tenant, document_id)))


def ledger_id(tenant: str) -> uuid.UUID:
    """Of the one object among the heads that says what this generation is, and changes with every write."""
    return uuid.uuid5(_NAMESPACE, "\n".join(("ledger", tenant)))


def lexical(text: str) -> list[str]:
    """What the lexical index is asked for: stems, because Weaviate knows none of its own."""
    return list(dict.fromkeys(stem(word) for word in search_words(text)))


# --- there


def row(tenant: str, chunk: Chunk, edition: str) -> DataObject[dict[str, Any], None]:
    said: dict[str, Any] = {
        "chunk_id": chunk.id,
        "document_id": chunk.document_id,
        "edition": edition,
        "position": chunk.position,
        "title": chunk.title,
        "headings": list(chunk.headings),
        "text": chunk.text,
        "words": _words(chunk),
        "start": chunk.start,
        "end": chunk.end,
        "url": chunk.url,
        "modified_at": chunk.modified_at,
        "version": chunk.version,
        "reader_set": int(chunk.reader_set),
        "superseded": bool(chunk.superseded),
        "sentences": list(chunk.sentences),
        "sentence_vectors": base64.b64encode(chunk.sentence_vectors.astype("<f2").tobytes()).decode(),
    }
    return DataObject(
        properties={name: value for name, value in said.items() if value is not None},
        uuid=row_id(tenant, chunk.id, edition),
        vector={VECTOR: np.asarray(chunk.vector, dtype=np.float32).tolist()},
    )


def head(tenant: str, document_id: str, edition: str, parts: int) -> DataObject[dict[str, Any], None]:
    said: dict[str, Any] = {"document_id": document_id, "edition": edition, "parts": parts}
    return DataObject(properties=said, uuid=head_id(tenant, document_id))


def ledger(tenant: str, embedder: str, chunks: str) -> DataObject[dict[str, Any], None]:
    """Named anew with every write: `edition` says nothing but that it is another one."""
    said: dict[str, Any] = {"edition": uuid.uuid4().hex, "parts": 0, "embedder": embedder, "chunks": chunks}
    return DataObject(properties=said, uuid=ledger_id(tenant))


def _words(chunk: Chunk) -> str:
    written = "\n".join((chunk.title, *chunk.headings, chunk.text))
    return " ".join(stem(word) for word in [*words(written), *spellings(written)])


# --- and back


def chunk_of(said: Mapping[str, Any], vector: Vector) -> Chunk:
    sentences = tuple(said.get("sentences") or ())
    packed = np.frombuffer(base64.b64decode(said.get("sentence_vectors") or ""), dtype="<f2").astype(np.float32)
    modified = said.get("modified_at")
    return Chunk(
        id=said["chunk_id"],
        document_id=said["document_id"],
        position=said["position"],
        title=said.get("title") or "",
        headings=tuple(said.get("headings") or ()),
        text=said.get("text") or "",
        start=said["start"],
        end=said["end"],
        url=said.get("url"),
        modified_at=modified.astimezone(UTC) if modified else None,
        version=said.get("version"),
        reader_set=said["reader_set"],
        superseded=said["superseded"],
        vector=vector,
        sentences=sentences,
        sentence_vectors=packed.reshape(len(sentences), -1) if sentences else packed.reshape(0, len(vector)),
    )


# --- collections


def chunk_properties() -> list[Property]:
    return [
        *(_key(name) for name in ("chunk_id", "document_id", "edition")),
        *(_number(name, filtered=True) for name in ("reader_set", "position")),
        Property(name="superseded", data_type=DataType.BOOL, index_filterable=True),
        Property(
            name="words",
            data_type=DataType.TEXT,
            tokenization=Tokenization.WHITESPACE,
            index_searchable=True,
            index_filterable=False,
        ),
        *(_kept(name) for name in ("title", "text", "url", "version", "sentence_vectors")),
        *(_kept(name, DataType.TEXT_ARRAY) for name in ("headings", "sentences")),
        *(_number(name) for name in ("start", "end")),
        Property(name="modified_at", data_type=DataType.DATE, index_filterable=False),
    ]


def head_properties() -> list[Property]:
    """`parts` is indexed because the server sums up what is indexed alone."""
    parts = _number("parts", filtered=True)
    return [*(_key(name) for name in ("document_id", "edition")), _kept("embedder"), _kept("chunks"), parts]


def vectors_of(quantisation: str) -> Any:
    """Unit rows that come from us; by their dot product, so that the server changes nothing of them."""
    quantizer = {
        "none": Configure.VectorIndex.Quantizer.none,
        "rq": lambda: Configure.VectorIndex.Quantizer.rq(bits=8, rescore_limit=RESCORED),
        "bq": lambda: Configure.VectorIndex.Quantizer.bq(rescore_limit=RESCORED),
        "sq": lambda: Configure.VectorIndex.Quantizer.sq(rescore_limit=RESCORED),
        "pq": Configure.VectorIndex.Quantizer.pq,  # looks at all its candidates once more by itself
    }[quantisation]()
    return Configure.Vectors.self_provided(
        name=VECTOR,
        vector_index_config=Configure.VectorIndex.hnsw(
            distance_metric=VectorDistances.DOT, filter_strategy=VectorFilterStrategy.ACORN, quantizer=quantizer
        ),
    )


def _key(name: str) -> Property:
    return Property(
        name=name,
        data_type=DataType.TEXT,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )


def _kept(name: str, kind: DataType = DataType.TEXT) -> Property:
    return Property(name=name, data_type=kind, index_filterable=False, index_searchable=False)


def _number(name: str, *, filtered: bool = False) -> Property:
    return Property(name=name, data_type=DataType.INT, index_filterable=filtered)
