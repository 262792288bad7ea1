"""What makes two copies of a document in an index the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from answerloop.domain import Chunk


def checksum(chunks: Sequence[Chunk]) -> str:
    """Over all that stands in an index for one document: ids, texts, readers and vectors, those of sentences as every
    index stores them (float16). 32 hexadecimal digits."""
    total = hashlib.sha256()
    for chunk in sorted(chunks, key=lambda each: each.position):
        said = (
            *(chunk.id, chunk.document_id, chunk.position, chunk.title, chunk.headings, chunk.text, chunk.start),
            *(chunk.end, chunk.url, chunk.modified_at.isoformat() if chunk.modified_at else None, chunk.version),
            *(chunk.reader_set, chunk.superseded, chunk.sentences),
        )
        total.update(json.dumps(said).encode())
        total.update(np.asarray(chunk.vector, dtype="<f4").tobytes())
        total.update(np.asarray(chunk.sentence_vectors, dtype="<f2").tobytes())
    return total.hexdigest()[:32]
