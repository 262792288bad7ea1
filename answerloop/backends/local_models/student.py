"""A model to be trained, with the tokens of serving. `workers.training.student.Student` is what this is to others."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from answerloop.backends.generator_transformers import choose_device, choose_dtype
from answerloop.backends.local_models.adapters import Model
from answerloop.backends.local_models.tokens import PromptEncoder, Tokenizer, closing_token
from answerloop.domain import Message
from answerloop.errors import ConfigurationError, ModelMissing


class LocalStudent:
    def __init__(self, model: Model, tokenizer: Tokenizer, *, name: str) -> None:
        self.name = name
        self.model = model
        self._encoder = PromptEncoder(tokenizer)
        self._end = closing_token(model, tokenizer, self._encoder)

    @classmethod
    def load(
        cls, folder: str, *, name: str, device: str = "auto", dtype: str = "auto", qlora: bool = False
    ) -> LocalStudent:
        """`folder` is a local folder or a hub id. Raises ModelMissing, ConfigurationError."""
        place = choose_device(device)
        precision = choose_dtype(dtype, place)
        more = _four_bits(place, precision) if qlora else {}
        local = Path(folder).is_dir()
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=local)
            model: Model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=precision, local_files_only=local, use_safetensors=True, **more
            )
        except (OSError, ValueError) as error:
            raise ModelMissing(f"The model {name} cannot be loaded from {folder}: {error}") from error
        return cls(model if qlora else model.to(place), tokenizer, name=name)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        return self._encoder.encode(messages)

    def reply(self, text: str) -> list[int]:
        return [*self._encoder.encode_reply(text), self._end]


def _four_bits(place: torch.device, precision: torch.dtype) -> dict[str, Any]:
    if place.type != "cuda" or importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigurationError(
            "qlora needs a CUDA GPU and the package bitsandbytes (pip install bitsandbytes); without them leave it out."
        )
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=precision,
    )
    return {"quantization_config": config, "device_map": {"": place}}
