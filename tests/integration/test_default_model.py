"""The real SmolLM2, as `make setup` prepares it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.backends.local_models.weights import DEFAULT_MODEL, model_folder, verify_default_model
from answerloop.domain import Message
from answerloop.errors import ModelMissing
from answerloop.ports import GenerationRequest
from answerloop.settings import load_settings

pytestmark = pytest.mark.model

PASSAGES = [
    "The hotel limit is EUR 155 per night.",
    "Annual leave is 25 days. It is booked in the portal, two weeks ahead.",
]


@pytest.fixture(scope="module")
def folder() -> str:
    models = load_settings().state.models
    try:
        found = model_folder(DEFAULT_MODEL, models)
    except ModelMissing as missing:
        pytest.skip(str(missing))
    verify_default_model(models)
    return found


@pytest.fixture(scope="module")
def generator(folder: str) -> Iterator[TransformersGenerator]:
    generator = TransformersGenerator.load(folder, name=DEFAULT_MODEL, device="cpu", dtype="float32")
    yield generator
    generator.close()


def prompt(passage: str) -> list[Message]:
    return [Message("system", "Answer from the text."), Message("user", f"{passage}\n\nWhat is the rule?")]


def test_two_at_once_say_what_generate_says(folder: str, generator: TransformersGenerator) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    alone = []
    for passage in PASSAGES:
        rows = [{"role": message.role, "content": message.content} for message in prompt(passage)]
        inputs = tokenizer.apply_chat_template(rows, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        output = model.generate(**inputs, max_new_tokens=24, do_sample=False)
        alone.append(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
        assert generator.count_tokens(prompt(passage)) == inputs["input_ids"].shape[1]

    def say(passage: str) -> str:
        return "".join(generator.generate(GenerationRequest(prompt(passage), "", (), 24, time.monotonic() + 60)))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(say, PASSAGES)) == alone


def test_a_number_after_blank_lines_is_split_as_in_training(folder: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("a\n\n12") == ["a", "ĊĊ", "1", "2"]
    assert tokenizer.model_max_length == 8192
