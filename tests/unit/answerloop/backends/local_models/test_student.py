"""A model to be trained reads and writes the tokens of serving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from answerloop.backends.local_models.student import LocalStudent
from answerloop.backends.local_models.tokens import PromptEncoder, closing_token
from answerloop.domain import Message
from answerloop.errors import ConfigurationError, ModelMissing
from tests.unit.answerloop.backends.tiny_models import TEMPLATE, tiny_llama, tiny_tokenizer

CLOSED = TEMPLATE.replace("{{ m['content'] }}", "{{ m['content'] }}<|user|>")
QUESTION = [Message("system", "Be short."), Message("user", "Where is desk 5?")]


def closing(template: str | None, ends: Any) -> int:
    model, tokenizer = tiny_llama(), tiny_tokenizer(template)
    model.generation_config.eos_token_id = ends
    return closing_token(model, tokenizer, PromptEncoder(tokenizer))


def test_a_reply_ends_as_the_template_closes_it() -> None:
    """A chat model's own end of turn may be another token than the tokenizer's end of text."""
    user = tiny_tokenizer().convert_tokens_to_ids("<|user|>")
    assert closing(CLOSED, [0, user]) == user
    assert closing(CLOSED, 0) == 0  # the token that the template puts there would not end an answer of serving
    assert closing(TEMPLATE, [0, user]) == 0
    assert closing(None, [0, user]) == 0


def test_a_model_that_cannot_stop_cannot_be_trained_to() -> None:
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    tokenizer.eos_token = None
    model.generation_config.eos_token_id = None
    with pytest.raises(ConfigurationError, match="no token that ends a reply"):
        LocalStudent(model, tokenizer, name="tiny")


def test_a_folder_is_loaded_in_the_precision_asked_for(tmp_path: Path) -> None:
    tiny_llama().save_pretrained(str(tmp_path))
    tiny_tokenizer().save_pretrained(str(tmp_path))
    student = LocalStudent.load(str(tmp_path), name="tiny", device="cpu", dtype="bfloat16")
    assert (student.name, student.model.dtype) == ("tiny", torch.bfloat16)
    assert student.prompt(QUESTION) == PromptEncoder(tiny_tokenizer()).encode(QUESTION)
    assert student.reply("Rome")[-1] == 0
    assert len(student.reply("Rome")) == 5


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="The model tiny cannot be loaded"):
        LocalStudent.load(str(tmp_path), name="tiny", device="cpu")


def test_four_bits_need_a_gpu() -> None:
    with pytest.raises(ConfigurationError, match="qlora needs a CUDA GPU and the package bitsandbytes"):
        LocalStudent.load("nowhere", name="tiny", device="cpu", qlora=True)
