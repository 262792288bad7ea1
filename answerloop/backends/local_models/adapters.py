"""A causal language model with LoRA adapters that are loaded on first use and mixed row by row in one batch."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import PretrainedConfig
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from answerloop.backends.adapters_folder import checked
from answerloop.domain import BASE_ADAPTER
from answerloop.errors import AdapterRefused, ConfigurationError, GeneratorUnavailable

warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")  # PEFT asks by the old name

Model = Any
"""A `PreTrainedModel` or a `PeftModel` around it; calling either is untyped upstream."""

MOST_ADAPTERS = 4
"""Loaded at once. The live one, a candidate and the one before are what a canary and a rollback need."""


class AdaptedModel:
    """Next tokens of a batch. Only one thread may use it: PEFT changes the model in place when it loads an adapter.

    Every row names its own adapter. PEFT's active one never speaks, so loading and dropping cannot change a batch.
    One adapter may be merged into a copy of the weights, which speaks where all rows are its own: the same text,
    without two more multiplications for every layer.
    """

    def __init__(self, model: Model, adapters: Path, name: str = "") -> None:
        """With a `name` only adapters that were trained on the model of that name are loaded."""
        self.config = model.config.get_text_config()
        self.device: torch.device = model.device
        self._model = model.eval()
        self._accepts = signature(model.forward).parameters
        self._adapters = adapters
        self._name = name
        self._loaded: dict[str, str] = {}  # our name → PEFT's, least recently used first
        self._count = 0
        self._merged: Model | None = None
        self.merged: str | None = None
        _require_plain_attention(self.config)

    def require(self, adapter: str, in_use: AbstractSet[str]) -> None:
        """Load the adapter unless it is. Raises GeneratorUnavailable unless it is there as it was taken in."""
        if adapter == BASE_ADAPTER:
            return
        if adapter not in self._loaded:
            self._load(adapter)
        self._loaded[adapter] = self._loaded.pop(adapter)
        for name in [name for name in self._loaded if name not in in_use and name != adapter]:
            if len(self._loaded) > MOST_ADAPTERS:
                # PEFT warns when it has to choose another active adapter itself.
                self._model.set_adapter(self._loaded[adapter], inference_mode=True)
                self._model.delete_adapter(self._loaded.pop(name))

    def merge(self, adapter: str | None) -> None:
        """Keep a copy of the weights with this one merged, in place of the one before. Raises like `require`.

        Weights in 8 or 4 bits are left alone: merging would round them anew, and so change what is said.
        """
        if adapter == self.merged or getattr(self._model, "is_quantized", False):
            return
        self._merged, self.merged = None, None
        if adapter is not None:
            self.require(adapter, frozenset())
            copy = deepcopy(self._model)
            self._merged = copy.merge_and_unload(adapter_names=[self._loaded[adapter]], safe_merge=True).eval()
            self.merged = adapter

    @torch.inference_mode()
    def next_tokens(
        self,
        tokens: torch.Tensor,
        cache: Cache,
        positions: torch.Tensor,
        attention_mask: torch.Tensor | None,
        adapters: Sequence[str],
    ) -> list[int]:
        """The most probable token after each row of `tokens` [rows, length]; `cache` takes in their keys and values."""
        inputs: dict[str, Any] = {"input_ids": tokens, "past_key_values": cache, "use_cache": True}
        inputs |= {"attention_mask": attention_mask, "position_ids": positions, "logits_to_keep": 1}
        inputs = {name: value for name, value in inputs.items() if name in self._accepts}
        model = self._model
        if self._merged is not None and set(adapters) == {self.merged}:
            model = self._merged
        elif self._loaded:
            inputs["adapter_names"] = [self._loaded.get(name, "__base__") for name in adapters]
        logits: torch.Tensor = model(**inputs).logits
        return [int(token) for token in logits[:, -1].float().argmax(dim=-1).tolist()]

    def _load(self, adapter: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", adapter):
            raise GeneratorUnavailable(f"{adapter!r} is not the name of an adapter.")
        folder = self._adapters / adapter
        try:
            base = checked(folder).base_model
        except AdapterRefused as error:
            raise GeneratorUnavailable(str(error)) from error
        if self._name and base != self._name:
            raise GeneratorUnavailable(f"The adapter {adapter} was trained on {base}, and this is {self._name}.")
        self._count += 1
        name = f"adapter{self._count}"
        if isinstance(self._model, PeftModel):
            self._model.load_adapter(str(folder), name, is_trainable=False, torch_device=str(self.device))
        else:
            self._model = PeftModel.from_pretrained(
                self._model, str(folder), name, is_trainable=False, torch_device=str(self.device)
            ).eval()
        self._loaded[adapter] = name


def _require_plain_attention(config: PretrainedConfig) -> None:
    if not all(isinstance(layer, DynamicLayer) for layer in DynamicCache(config=config).layers):
        raise ConfigurationError(
            f"A model of type {config.model_type} has layers without keys and values, which cannot be batched here: "
            "choose a transformer with plain attention, or serve the model behind an OpenAI-compatible endpoint."
        )
