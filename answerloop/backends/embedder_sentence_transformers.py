"""Embeddings by sentence-transformers. (Provisional: its owner replaces this file.)"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sentence_transformers import SentenceTransformer

from answerloop.domain import Vector


class SentenceTransformersEmbedder:
    """An `Embedder`."""

    def __init__(self, folder: str, name: str, *, device: str = "auto") -> None:
        self._model = SentenceTransformer(folder, device=None if device == "auto" else device)
        self.name = name
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self.max_tokens = int(self._model.max_seq_length or 256)

    def count_tokens(self, text: str) -> int:
        return len(self._model.tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def embed(self, texts: Sequence[str]) -> Vector:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.asarray(self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False), dtype=np.float32)
