"""The embedded embedder: any sentence-transformers model, by default MiniLM from an installed package."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from answerloop.domain import Vector
from answerloop.errors import ModelMissing

BATCH = 32
SHORT = 2
REMEMBERED = 64
"""Texts of short calls, the latest ones: triage, retrieval and what is kept of a question ask for the same vector one
after the other, and that is half of what a quoted answer costs."""


class SentenceTransformersEmbedder:
    """An `Embedder`. Safe to use from many threads: a short call waits for one batch of a long one, not for all."""

    def __init__(self, folder: str, *, name: str, device: str = "auto", dtype: str = "float32") -> None:
        """`folder` is a local folder or a hub id. Raises ModelMissing."""
        try:
            self._model = SentenceTransformer(
                folder,
                device=None if device == "auto" else device,
                local_files_only=Path(folder).is_dir(),
                model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise ModelMissing(f"The embedder {name} cannot be loaded from {folder}: {error}") from error
        self.name = name
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self.max_tokens = int(self._model.max_seq_length or 512)
        self._tokenizer = _uncut_tokenizer(self._model.tokenizer)
        self._lock = threading.Lock()
        self._memory: dict[str, Vector] = {}
        self._memory_lock = threading.Lock()

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids)

    def embed(self, texts: Sequence[str]) -> Vector:
        return self._remembered(texts) if 0 < len(texts) <= SHORT else self._embed(texts)

    def _remembered(self, texts: Sequence[str]) -> Vector:
        with self._memory_lock:
            rows = {text: self._memory.pop(text) for text in set(texts) if text in self._memory}
        fresh = [text for text in dict.fromkeys(texts) if text not in rows]
        if fresh:
            rows |= zip(fresh, self._embed(fresh), strict=True)
        with self._memory_lock:
            self._memory |= rows
            for oldest in list(self._memory)[:-REMEMBERED]:
                del self._memory[oldest]
        return np.stack([rows[text] for text in texts])

    def _embed(self, texts: Sequence[str]) -> Vector:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]), reverse=True)
        for start in range(0, len(by_length), BATCH):
            batch = by_length[start : start + BATCH]
            vectors[batch] = self._embed_batch([texts[index] for index in batch])
        return vectors

    def _embed_batch(self, texts: list[str]) -> Vector:
        with self._lock:  # the tokenizer keeps padding and truncation as state
            rows = self._model.encode(texts, batch_size=BATCH, convert_to_tensor=True, show_progress_bar=False)
        array: Vector = torch.nn.functional.normalize(rows.float(), dim=1).cpu().numpy()
        return array


def _uncut_tokenizer(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """A copy without truncation: switching it off and on in the model's own would race with `encode`."""
    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy
