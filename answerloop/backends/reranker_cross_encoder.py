"""A re-ranker for installations with a GPU: any cross-encoder that sentence-transformers can load."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder

from answerloop.errors import ModelMissing

BATCH = 32


class CrossEncoderReranker:
    """A `Reranker`. Safe to use from many threads, one at a time."""

    def __init__(self, folder: str, *, name: str, device: str = "auto") -> None:
        """`folder` is a local folder or a hub id. Raises ModelMissing."""
        try:
            self._model = CrossEncoder(
                folder,
                device=None if device == "auto" else device,
                local_files_only=Path(folder).is_dir(),
                activation_fn=torch.nn.Sigmoid(),
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise ModelMissing(f"The re-ranker {name} cannot be loaded from {folder}: {error}") from error
        if self._model.num_labels != 1:
            raise ModelMissing(f"The model {name} gives {self._model.num_labels} scores a passage, not one.")
        self.name = name
        self._lock = threading.Lock()

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        if not passages:
            return []
        with self._lock:  # the tokenizer keeps padding and truncation as state
            scores = self._model.predict(
                [(question, passage) for passage in passages], batch_size=BATCH, show_progress_bar=False
            )
        return [float(score) for score in scores]
