"""A model to be trained, with the tokens of serving. `workers.training.student.Student` is what this is to others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

from answerloop.backends.local_models.adapters import Model
from answerloop.backends.local_models.placement import choose_device, choose_dtype, quantised
from answerloop.backends.local_models.tokens import PromptEncoder, Tokenizer, closing_token
from answerloop.domain import Message
from answerloop.errors import ModelMissing


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
        more = quantised("int4", place, precision, "qlora") if qlora else {}
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
