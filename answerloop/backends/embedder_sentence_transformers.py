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

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids)

    def embed(self, texts: Sequence[str]) -> Vector:
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
