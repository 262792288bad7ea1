"""Turns the default model's quantised GGUF file into a folder that transformers loads, saves and trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, logging

from answerloop.backends.local_models.tokens import Tokenizer


def convert_gguf(gguf: Path, target: Path) -> None:
    """Float32 on disk: rounding the 4-bit blocks to bfloat16 would change every weight by up to 0.3 % of the largest.

    A model that was loaded from GGUF can neither be saved nor trained, so its weights move into a clean one.
    """
    was_shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        source: Any = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32, local_files_only=True
        )
        config = source.config
        del config.quantization_config
        clean: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
        clean.load_state_dict(source.state_dict(), strict=True)
        clean.generation_config = source.generation_config
        clean.save_pretrained(target)
        _tokenizer(gguf, config.max_position_embeddings).save_pretrained(target)
    finally:
        if was_shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _tokenizer(gguf: Path, window: int) -> Tokenizer:
    """The GGUF reader forgets that SmolLM2 splits off every digit first, so a number after blank lines came out
    in tokens that the model was not trained on."""
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
        ]
    )
    tokenizer.model_max_length = window
    return tokenizer
