"""The dry run: what is said about a GPU that is not there, and the arithmetic behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from transformers import LlamaConfig

from answerloop.backends.local_models.kv_cache import ROOM
from answerloop.backends.local_models.plan import Gpu, Shape, Wishes, plan, shape_of_config
from answerloop.errors import ConfigurationError
from tests.unit.answerloop.backends.tiny_models import SIZES, tiny_llama

BIG = Gpu("a large one", 80e9, 78e9, bf16=True)
OLD = Gpu("an old one", 16e9, 15e9, bf16=False)
WISHES = Wishes(
    device="cuda",
    dtype="auto",
    attention="auto",
    quantisation="none",
    batch_size=32,
    batch_tokens=16_384,
    embedder_bytes=90e6,
    rank=16,
    tokens_per_batch=2048,
    precision="auto",
    gradient_checkpointing=True,
    qlora=False,
)


@dataclass
class Machine:
    has_gpus: tuple[Gpu, ...] = ()
    packages: frozenset[str] = frozenset()
    torch_version: str = "2.13.0+cpu"

    def gpus(self) -> tuple[Gpu, ...]:
        return self.has_gpus

    def has(self, package: str) -> bool:
        return package in self.packages

    def cpu_has_bf16(self) -> bool:
        return False


@pytest.fixture(scope="module")
def tiny() -> Shape:
    return shape_of_config(LlamaConfig(**SIZES))


def test_weights_are_counted_without_memory_and_as_they_are(tiny: Shape) -> None:
    model = tiny_llama()
    assert tiny.weights == sum(weight.numel() for weight in model.parameters())
    with torch.no_grad():
        cache = model(input_ids=torch.ones((1, 5), dtype=torch.long), use_cache=True).past_key_values
    kept = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    assert tiny.key_values == kept / 5


def test_one_rank_of_an_adapter_is_counted_as_peft_makes_it(tiny: Shape) -> None:
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(tiny_llama(), LoraConfig(r=3, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert 3 * tiny.linear_sides == sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)


def test_without_a_gpu_the_plan_is_the_same_and_says_that_it_is_missing(tiny: Shape) -> None:
    here, there = plan(tiny, WISHES, Machine()), plan(tiny, WISHES, Machine((BIG,)))
    assert here.serving == there.serving
    assert here.missing == ["a CUDA GPU: torch 2.13.0+cpu sees none here"]
    assert there.missing == []
    assert here.chosen["precision"].startswith("bfloat16")


def test_the_precision_is_what_the_hardware_multiplies(tiny: Shape) -> None:
    assert plan(tiny, WISHES, Machine((BIG,))).chosen["precision"] == "bfloat16"
    old = plan(tiny, WISHES, Machine((OLD,)))
    assert (old.chosen["precision"], old.training_chosen["precision"]) == ("float16", "float16")
    assert plan(tiny, replace(WISHES, device="cpu"), Machine()).chosen["precision"] == "float32"


def test_auto_takes_the_gpu_that_is_there(tiny: Shape) -> None:
    auto = replace(WISHES, device="auto")
    assert plan(tiny, auto, Machine((BIG,))).chosen["device"].startswith("cuda (a large one")
    assert plan(tiny, auto, Machine()).chosen["device"] == "cpu"


def test_the_second_gpu_is_looked_for_by_its_number(tiny: Shape) -> None:
    second = replace(WISHES, device="cuda:1")
    assert "an old one" in plan(tiny, second, Machine((BIG, OLD))).chosen["device"]
    assert plan(tiny, second, Machine((BIG,))).missing == ["GPU number 1: there are 1, counted from 0"]


def test_the_budget_bounds_keys_and_values(tiny: Shape) -> None:
    parts = plan(tiny, WISHES, Machine()).serving
    tokens = WISHES.batch_tokens + WISHES.batch_size * ROOM
    assert parts["keys and values of a full batch"] == tokens * tiny.key_values * 2
    assert plan(tiny, WISHES, Machine()).rows == {256: 32, 512: 32, 1024: 16, 2048: 8}
    unbounded = replace(WISHES, batch_tokens=0)
    assert plan(tiny, unbounded, Machine()).rows == {256: 32, 512: 32, 1024: 32, 2048: 32}


def test_quantised_weights_take_less_and_are_not_merged(tiny: Shape) -> None:
    whole, small = (
        plan(tiny, replace(WISHES, quantisation=kind), Machine((BIG,), frozenset({"bitsandbytes"})))
        for kind in ("none", "int4")
    )
    assert small.serving["weights"] < whole.serving["weights"]
    assert small.serving["a second copy, with the live adapter merged"] == 0
    assert small.missing == []


def test_what_a_setting_needs_and_is_not_there_is_named(tiny: Shape) -> None:
    wishes = replace(WISHES, quantisation="int8", attention="flash_attention_2", qlora=True, dtype="float32")
    missing = " · ".join(plan(tiny, wishes, Machine((BIG,))).missing)
    assert "bitsandbytes for ANSWERLOOP_QUANTISATION" in missing
    assert "bitsandbytes for qlora" in missing
    assert "flash-attn for ANSWERLOOP_ATTENTION" in missing
    assert "half precision" in missing
    assert "a CUDA GPU for qlora" in plan(tiny, replace(wishes, device="cpu"), Machine()).missing


def test_a_model_that_does_not_fit_is_named_with_both_figures(tiny: Shape) -> None:
    seven_billion = replace(tiny, weights=7_000_000_000, linear=6_500_000_000)
    missing = " · ".join(plan(seven_billion, WISHES, Machine((OLD,))).missing)
    assert "memory for answering" in missing
    assert "15.0 GB free" in missing


def test_checkpointing_saves_activations(tiny: Shape) -> None:
    long, short = (
        plan(tiny, replace(WISHES, gradient_checkpointing=on), Machine()).training["activations"]
        for on in (False, True)
    )
    assert long > 10 * short


def test_a_device_that_nobody_knows_is_refused(tiny: Shape) -> None:
    with pytest.raises(ConfigurationError, match="no plan for the device"):
        plan(tiny, replace(WISHES, device="tpu"), Machine())
