"""Groundedness by entailment: any Hugging Face NLI classifier, on CPU or GPU, together with the exact claims."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PretrainedConfig

from answerloop.backends.local_models.placement import choose_device, choose_dtype
from answerloop.backends.local_models.tokens import Tokenizer
from answerloop.claims import carriers, grounding, source_sentences
from answerloop.domain import Grounding
from answerloop.errors import ConfigurationError, GroundednessUnavailable, ModelMissing

BATCH = 16
OVERLAP = 64
"""Tokens that two windows of a long passage share."""
LONGEST_WINDOW = 512


class NliGroundednessDetector:
    """A `GroundednessDetector`: the best entailment of a sentence by any window of any passage."""

    entails = True

    def __init__(self, model: Any, tokenizer: Tokenizer) -> None:
        """Raises ConfigurationError when no class of the model is called entailment."""
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._entailment = _entailment(model.config)
        self._window = min(int(tokenizer.model_max_length), LONGEST_WINDOW)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: str, *, device: str = "auto", dtype: str = "auto") -> NliGroundednessDetector:
        """`folder` is a local folder or a hub id. Raises ModelMissing, ConfigurationError."""
        place = choose_device(device)
        local = Path(folder).is_dir()
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=local)
            model = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype=choose_dtype(dtype, place), local_files_only=local, use_safetensors=True
            )
        except (OSError, ValueError) as error:
            raise ModelMissing(f"The groundedness model cannot be loaded from {folder}: {error}") from error
        return cls(model.to(place), tokenizer)

    def score(self, sentences: Sequence[str], passages: Sequence[str]) -> list[Grounding]:
        sources = source_sentences(passages)
        pairs = [(passage, sentence) for sentence in sentences for passage in passages]
        try:
            with self._lock:  # the tokenizer keeps padding and truncation as state
                entailed = self._entailed(pairs)
        except RuntimeError as error:  # out of memory and whatever else the device reports
            raise GroundednessUnavailable(f"The groundedness model failed: {error}") from error
        each = len(passages)
        return [
            grounding(max(entailed[at * each : (at + 1) * each], default=0.0), sentence, carriers(sentence, sources))
            for at, sentence in enumerate(sentences)
        ]

    def _entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The best probability over the windows of each pair of passage and sentence."""
        best = [0.0] * len(pairs)
        for start in range(0, len(pairs), BATCH):
            windows = self._windows(pairs[start : start + BATCH])
            owners = windows.pop("overflow_to_sample_mapping").tolist()
            for first in range(0, len(owners), BATCH):
                batch = {name: rows[first : first + BATCH].to(self._model.device) for name, rows in windows.items()}
                with torch.inference_mode():
                    chances = self._model(**batch).logits.float().softmax(dim=-1)[:, self._entailment].tolist()
                for owner, chance in zip(owners[first : first + BATCH], chances, strict=True):
                    best[start + owner] = max(best[start + owner], chance)
        return best

    def _windows(self, pairs: Sequence[tuple[str, str]]) -> dict[str, torch.Tensor]:
        """A long passage in overlapping windows, each followed by the whole sentence."""
        return dict(
            self._tokenizer(
                [passage for passage, _ in pairs],
                [self._cut(sentence) for _, sentence in pairs],
                truncation="only_first",
                max_length=self._window,
                stride=min(OVERLAP, self._window // 8),
                return_overflowing_tokens=True,
                padding=True,
                return_tensors="pt",
            )
        )

    def _cut(self, sentence: str) -> str:
        """At most half a window: the passage needs the rest."""
        tokens = self._tokenizer.encode(sentence, add_special_tokens=False)
        return (
            sentence if len(tokens) <= self._window // 2 else str(self._tokenizer.decode(tokens[: self._window // 2]))
        )


def _entailment(config: PretrainedConfig) -> int:
    labels = {int(number): str(name) for number, name in (config.id2label or {}).items()}
    found = [number for number, name in labels.items() if name.casefold() in ("entailment", "entailed")]
    if len(found) != 1:
        raise ConfigurationError(
            f"The groundedness model has no class called entailment, only {sorted(labels.values())}."
        )
    return found[0]
