from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.generator_transformers import (
    TransformersGenerator,
    _window,
    choose_threads,
)
from answerloop.backends.local_models.placement import choose_device, choose_dtype
from answerloop.backends.local_models.tokens import end_tokens
from answerloop.domain import Sentence, Usage
from answerloop.errors import ConfigurationError, GeneratorUnavailable, ModelMissing
from tests.unit.answerloop.backends.tiny_models import request, tiny_llama, tiny_tokenizer


def test_the_extractive_generator_quotes_the_best_sentence() -> None:
    best = Sentence("Parking is free.", 0, 0.9, 0.8)
    asked = replace(request("Where may I park?", 0.0), evidence=[best, replace(best, text="Bikes too.")])
    completion = ExtractiveGenerator().generate(asked)
    assert list(completion) == ["Parking is free."]
    assert completion.usage == Usage("base", prompt_tokens=4, completion_tokens=3)
    with pytest.raises(GeneratorUnavailable):
        list(ExtractiveGenerator().generate(replace(asked, evidence=[])))


@pytest.mark.parametrize(
    ("positions", "longest", "window"), [(8192, int(1e30), 8192), (8192, 2048, 2048), (None, None, 2048)]
)
def test_the_window_ignores_absurd_limits(positions: int | None, longest: int | None, window: int) -> None:
    config, tokenizer = SimpleNamespace(max_position_embeddings=positions), SimpleNamespace(model_max_length=longest)
    assert _window(config, tokenizer) == window  # type: ignore[arg-type]


@pytest.mark.parametrize(("configured", "ends"), [(2, {2, 0}), ([5, 7], {5, 7, 0}), (None, {0})])
def test_every_end_token_counts(configured: int | list[int] | None, ends: set[int]) -> None:
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=configured))
    assert end_tokens(model, tiny_tokenizer()) == ends


def test_an_answer_ends_at_the_end_token_and_does_not_show_it() -> None:
    model = tiny_llama()
    tokens = torch.tensor([tiny_tokenizer().encode("<|user|>park<|assistant|>", add_special_tokens=False)])
    said = model.generate(tokens, max_new_tokens=9, do_sample=False, pad_token_id=0)[0, tokens.shape[1] :].tolist()
    model.generation_config.eos_token_id = [said[6], said[8]]
    generator = TransformersGenerator(model, tiny_tokenizer(), name="tiny")
    completion = generator.generate(request("park", time.monotonic() + 30))
    length = min(said.index(said[6]), said.index(said[8]))
    assert "".join(completion) == tiny_tokenizer().decode(said[:length])
    assert completion.usage == Usage("base", 6, length + 1)
    generator.close()


def test_a_prompt_that_does_not_fit_is_refused_and_a_long_answer_is_cut() -> None:
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), name="tiny")
    assert generator.window == 2048
    with pytest.raises(GeneratorUnavailable, match="do not fit"):
        list(generator.generate(request("x" * 2046, time.monotonic() + 30)))
    completion = generator.generate(request("x" * 2043, time.monotonic() + 30, max_tokens=50))
    list(completion)
    assert completion.usage is not None
    assert completion.usage.prompt_tokens + completion.usage.completion_tokens <= 2048
    generator.close()


def test_what_auto_means_here() -> None:
    cpu = torch.device("cpu")
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    assert choose_dtype("auto", cpu) == (torch.bfloat16 if fast else torch.float32)
    assert choose_dtype("float16", cpu) == torch.float16
    assert choose_threads(3) == 3
    assert choose_threads(0) >= 1
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_DEVICE"):
        choose_device("no-such-device")


def test_a_folder_without_a_model_is_named(tmp_path: object) -> None:
    with pytest.raises(ModelMissing, match=str(tmp_path)):
        TransformersGenerator.load(str(tmp_path), name="mine")
