"""The embedded generator: any Hugging Face causal language model, with LoRA adapters, on CPU or GPU."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from jinja2 import TemplateError
from transformers import AutoModelForCausalLM, AutoTokenizer, PretrainedConfig

from answerloop.backends.local_models.adapters import AdaptedModel, Model
from answerloop.backends.local_models.batching import Generation, Scheduler
from answerloop.backends.local_models.placement import choose_device, choose_dtype, loading_options
from answerloop.backends.local_models.tokens import PieceDecoder, PromptEncoder, Tokenizer, end_tokens
from answerloop.domain import Message, Usage
from answerloop.errors import GeneratorUnavailable, ModelMissing
from answerloop.ports import Completion, GenerationRequest

ABSURD_WINDOW = 10_000_000
"""Tokenizers without a limit claim 1e30 tokens."""


class TransformersGenerator:
    """A `Generator`: one model instance for all callers, greedy decoding. Build it in the process that uses it."""

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer,
        *,
        name: str,
        adapters: Path = Path("adapters"),
        batch_size: int = 8,
        batch_tokens: int = 0,
    ) -> None:
        self.name = name
        self.device: torch.device = model.device
        self.dtype: torch.dtype = model.dtype
        self.window = _window(model.config.get_text_config(), tokenizer)
        self._tokenizer = tokenizer
        self._encoder = PromptEncoder(tokenizer)
        adapted = AdaptedModel(model, adapters, name)
        self._scheduler = Scheduler(adapted, end_tokens(model, tokenizer), batch_size, batch_tokens)

    @classmethod
    def load(
        cls,
        folder: str,
        *,
        name: str,
        adapters: Path = Path("adapters"),
        device: str = "auto",
        dtype: str = "auto",
        attention: str = "auto",
        quantisation: str = "none",
        threads: int = 0,
        batch_size: int = 8,
        batch_tokens: int = 0,
    ) -> TransformersGenerator:
        """`folder` is a local folder or a hub id. Sets the CPU threads of the whole process. Raises ModelMissing,
        ConfigurationError."""
        place = choose_device(device)
        precision = choose_dtype(dtype, place)
        more = loading_options(attention, quantisation, place, precision)
        torch.set_num_threads(choose_threads(threads))
        local = Path(folder).is_dir()
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=local)
            model: Model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=precision, local_files_only=local, use_safetensors=True, **more
            )
        except (OSError, ValueError) as error:
            raise ModelMissing(f"The model {name} cannot be loaded from {folder}: {error}") from error
        placed = model if "device_map" in more else model.to(place)
        return cls(placed, tokenizer, name=name, adapters=adapters, batch_size=batch_size, batch_tokens=batch_tokens)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(self._encoder.encode(messages))

    def generate(self, request: GenerationRequest) -> Completion:
        completion = Completion(())
        completion.pieces = self._pieces(request, weakref.ref(completion))
        return completion

    def prefer(self, adapter: str | None) -> None:
        """Keeps a second copy of the weights with this adapter merged, for batches in which nobody names another."""
        self._scheduler.prefer(adapter)

    def close(self) -> None:
        """Ends the thread. Requests under way fail with GeneratorUnavailable."""
        self._scheduler.close()

    def _pieces(self, request: GenerationRequest, completion: weakref.ref[Completion]) -> Iterator[str]:
        generation = self._begin(request)
        self._scheduler.submit(generation)
        try:
            yield from generation.pieces()
        finally:
            generation.abandoned = True  # a no-op unless the caller left early
        if (target := completion()) is not None:
            target.usage = Usage(generation.adapter, len(generation.prompt), len(generation.tokens))

    def _begin(self, request: GenerationRequest) -> Generation:
        try:
            prompt = self._encoder.encode(request.messages)
        except (TemplateError, ValueError) as error:
            raise GeneratorUnavailable(f"The model's chat template refuses these messages: {error}") from error
        room = min(request.max_tokens, self.window - len(prompt))
        if not prompt or room < 1:
            raise GeneratorUnavailable(f"{len(prompt)} prompt tokens do not fit a window of {self.window}.")
        return Generation(prompt, room, request.deadline, request.adapter, PieceDecoder(self._tokenizer))


def choose_threads(threads: int) -> int:
    """0: half of the cores this process may use; the other half embeds, searches and serves."""
    return threads or max(1, len(os.sched_getaffinity(0)) // 2)


def _window(config: PretrainedConfig, tokenizer: Tokenizer) -> int:
    limits = [getattr(config, "max_position_embeddings", None), getattr(tokenizer, "model_max_length", None)]
    return min((limit for limit in limits if limit and 0 < limit < ABSURD_WINDOW), default=2048)
