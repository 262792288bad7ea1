"""The scheduler, on random weights: what is said in a batch is what is said alone, and nobody disturbs anybody."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.cache_utils import DynamicCache

from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.backends.local_models import batching, kv_cache
from answerloop.backends.local_models.adapters import AdaptedModel
from answerloop.domain import Usage
from answerloop.errors import GenerationTimedOut, GeneratorUnavailable
from tests.unit.answerloop.backends.tiny_models import (
    expected,
    request,
    save_lora,
    tiny_llama,
    tiny_sliding,
    tiny_tokenizer,
)

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # from PEFT

QUESTIONS = [f"{'Where may I park? ' * number}{number}" for number in range(8)]
Make = Callable[..., TransformersGenerator]


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """More of them only wait for each other on matrices this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[TransformersGenerator] = []

    def build(model: Any = None, **options: Any) -> TransformersGenerator:
        made.append(TransformersGenerator(model or tiny_llama(), tiny_tokenizer(), name="tiny", **options))
        return made[-1]

    yield build
    for generator in made:
        generator.close()


def say(generator: TransformersGenerator, text: str, max_tokens: int = 30, adapter: str = "base") -> str:
    return "".join(generator.generate(request(text, soon(), max_tokens, adapter)))


class Gate:
    """Lets the model compute one step for each permit, and counts the rows of every step."""

    def __init__(self, model: Any) -> None:
        self.permits = threading.Semaphore(0)
        self.rows: list[int] = []
        self.fail_next = False
        model.register_forward_pre_hook(self._before, with_kwargs=True)

    def _before(self, _: Any, __: Any, inputs: dict[str, Any]) -> None:
        self.permits.acquire()
        self.rows.append(inputs["input_ids"].shape[0])
        if self.fail_next:
            self.fail_next = False
            raise RuntimeError("out of memory")

    def open(self) -> None:
        self.permits.release(100_000)


@pytest.mark.parametrize("batch_size", [8, 3])
def test_eight_at_once_say_what_each_says_alone(make: Make, batch_size: int) -> None:
    generator = make(batch_size=batch_size)
    alone = [expected(tiny_llama(), tiny_tokenizer(), question) for question in QUESTIONS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda question: say(generator, question), QUESTIONS))
    assert together == alone
    assert len(set(together)) > 4


def test_a_budget_of_tokens_bounds_the_rows_and_changes_nothing_that_is_said(make: Make) -> None:
    model = tiny_llama()
    gate = Gate(model)
    gate.open()
    longest = len(tiny_tokenizer()(QUESTIONS[7])["input_ids"]) + 60
    generator = make(model, batch_size=8, batch_tokens=2 * longest)
    alone = [expected(tiny_llama(), tiny_tokenizer(), question) for question in QUESTIONS]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda question: say(generator, question), QUESTIONS)) == alone
    assert max(gate.rows) > 2, "short ones share the budget"


def test_a_question_beyond_the_budget_is_answered_alone(make: Make) -> None:
    model = tiny_llama()
    gate = Gate(model)
    gate.open()
    generator = make(model, batch_size=8, batch_tokens=1)
    alone = [expected(tiny_llama(), tiny_tokenizer(), question) for question in QUESTIONS[:4]]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda question: say(generator, question), QUESTIONS[:4])) == alone
    assert set(gate.rows) == {1}


def test_sliding_windows_are_the_models_own(make: Make) -> None:
    generator = make(tiny_sliding(8))
    alone = [expected(tiny_sliding(8), tiny_tokenizer(), question) for question in QUESTIONS]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda question: say(generator, question), QUESTIONS)) == alone


def test_prompts_read_in_parts_and_cut_padding_change_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PREFILL_TOKENS", 7)
    monkeypatch.setattr(kv_cache, "ROOM", 3)
    alone = [expected(tiny_llama(), tiny_tokenizer(), text, 10 + 3 * n) for n, text in enumerate(QUESTIONS)]
    generator = make(batch_size=4)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: say(generator, QUESTIONS[n], 10 + 3 * n), range(8)))
    assert together == alone


def test_a_request_joins_while_another_is_running(make: Make) -> None:
    model = tiny_llama()
    gate = Gate(model)
    generator = make(model)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(say, generator, QUESTIONS[3])
        gate.permits.release(6)
        while len(gate.rows) < 6:
            time.sleep(0.001)
        second = pool.submit(say, generator, QUESTIONS[5])
        time.sleep(0.05)
        gate.open()
        answers = [first.result(), second.result()]
    assert answers == [expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[n]) for n in (3, 5)]
    assert 2 in gate.rows


def test_pieces_arrive_before_the_answer_is_complete(make: Make) -> None:
    model = tiny_llama()
    gate = Gate(model)
    completion = make(model).generate(request(QUESTIONS[0], soon()))
    gate.permits.release(3)
    pieces = iter(completion)
    assert next(pieces)
    assert completion.usage is None
    gate.open()
    rest = list(pieces)
    assert len(rest) > 3
    assert completion.usage == Usage("base", prompt_tokens=3, completion_tokens=30)


def test_the_deadline_ends_one_request_only(make: Make) -> None:
    model = tiny_llama()
    gate = Gate(model)
    generator = make(model)
    with ThreadPoolExecutor(2) as pool:
        patient = pool.submit(say, generator, QUESTIONS[2])
        gate.permits.release(4)
        hasty = generator.generate(request(QUESTIONS[4], soon(0.2)))
        with pytest.raises(GenerationTimedOut):
            list(hasty)  # the model stands still: the caller is told nevertheless
        gate.open()
        assert patient.result() == expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[2])
    assert hasty.usage is None


def test_an_abandoned_request_leaves_the_batch(make: Make) -> None:
    model = tiny_llama()
    gate = Gate(model)
    generator = make(model)
    gate.permits.release(2)
    gc.disable()  # leaving must not depend on the garbage collector
    try:
        for _ in generator.generate(request(QUESTIONS[1], soon(), max_tokens=1000)):
            break
    finally:
        gc.enable()
        gate.open()
    assert say(generator, QUESTIONS[0]) == expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[0])
    assert len(gate.rows) < 100


def test_a_vendor_error_fails_the_batch_and_the_scheduler_lives_on(make: Make) -> None:
    model = tiny_llama()
    gate = Gate(model)
    gate.open()
    generator = make(model)
    gate.fail_next = True
    with pytest.raises(GeneratorUnavailable, match="RuntimeError"):
        say(generator, QUESTIONS[0])
    assert say(generator, QUESTIONS[0]) == expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[0])


def test_close_fails_what_is_under_way_and_what_comes_later(make: Make) -> None:
    generator = make()
    pieces = iter(generator.generate(request(QUESTIONS[0], soon(), max_tokens=1500)))
    next(pieces)
    generator.close()
    with pytest.raises(GeneratorUnavailable):
        list(pieces)
    with pytest.raises(GeneratorUnavailable):
        say(generator, QUESTIONS[0])


def test_adapters_and_base_share_a_batch(make: Make, tmp_path: Path) -> None:
    save_lora(tmp_path / "night-1", seed=1)
    save_lora(tmp_path / "night.2", seed=2)
    names = ["base", "night-1", "night.2", "base", "night-1", "night.2", "base", "night-1"]
    alone = []
    for question, name in zip(QUESTIONS, names, strict=True):
        fresh = make(adapters=tmp_path)
        alone.append(say(fresh, question, adapter=name))
    generator = make(adapters=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: say(generator, QUESTIONS[n], adapter=names[n]), range(8)))
    assert together == alone
    assert alone[0] == expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[0])
    assert alone[1] != expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[1])


def test_more_adapters_than_are_kept_loaded(make: Make, tmp_path: Path) -> None:
    for seed in range(6):
        save_lora(tmp_path / f"night-{seed}", seed)
    generator = make(adapters=tmp_path)
    first = [say(generator, QUESTIONS[0], adapter=f"night-{seed}") for seed in range(6)]
    again = [say(generator, QUESTIONS[0], adapter=f"night-{seed}") for seed in range(6)]
    assert first == again
    assert say(generator, QUESTIONS[0]) == expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[0])


def test_a_merged_adapter_says_the_same_and_rows_of_others_are_mixed_as_ever(make: Make, tmp_path: Path) -> None:
    for seed in (1, 2):
        save_lora(tmp_path / f"night-{seed}", seed)
    plain, merged = make(adapters=tmp_path), make(adapters=tmp_path)
    merged.prefer("night-1")
    names = ["night-1"] * 5 + ["night-2", "base", "night-1"]
    for used in (names[:5], names):
        unmerged = [say(plain, QUESTIONS[n], adapter=name) for n, name in enumerate(used)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda n, used=used: say(merged, QUESTIONS[n], adapter=used[n]), range(len(used))))
        assert together == unmerged


def test_the_copy_speaks_where_all_rows_are_its_own_and_goes_again(tmp_path: Path) -> None:
    save_lora(tmp_path / "night-1", seed=1)
    model = AdaptedModel(tiny_llama(), tmp_path)
    model.merge("night-1")
    rows = steps_of(model)
    for adapters in (["night-1"], ["night-1", "night-1"], ["night-1", "base"], ["base"]):
        tokens = torch.full((len(adapters), 3), 7)
        model.next_tokens(tokens, DynamicCache(), torch.arange(3)[None], None, adapters)
    assert rows == [2, 1]
    model.merge(None)
    model.next_tokens(torch.full((1, 3), 7), DynamicCache(), torch.arange(3)[None], None, ["night-1"])
    assert rows == [2, 1, 1]


def steps_of(model: AdaptedModel) -> list[int]:
    """The rows of every step of the unmerged weights."""
    rows: list[int] = []
    model._model.register_forward_pre_hook(
        lambda _, __, inputs: rows.append(inputs["input_ids"].shape[0]), with_kwargs=True
    )
    return rows


def test_a_preference_that_cannot_be_merged_costs_nothing(make: Make, tmp_path: Path) -> None:
    generator = make(adapters=tmp_path)
    generator.prefer("missing")
    assert say(generator, QUESTIONS[0]) == expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[0])


def test_an_adapter_of_another_model_is_not_loaded(tmp_path: Path) -> None:
    save_lora(tmp_path / "night-1", seed=1)
    with pytest.raises(GeneratorUnavailable, match="was trained on tiny, and this is large"):
        AdaptedModel(tiny_llama(), tmp_path, "large").require("night-1", set())


def test_weights_that_changed_since_they_were_taken_in_are_not_loaded(make: Make, tmp_path: Path) -> None:
    save_lora(tmp_path / "night-1", seed=1)
    weights = tmp_path / "night-1" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(GeneratorUnavailable, match="not the one that was taken in"):
        say(make(adapters=tmp_path), QUESTIONS[0], adapter="night-1")


@pytest.mark.parametrize("name", ["missing", "../outside", "pickled"])
def test_an_adapter_that_cannot_be_loaded_fails_its_request_only(make: Make, tmp_path: Path, name: str) -> None:
    (tmp_path / "pickled").mkdir()
    torch.save({}, tmp_path / "pickled" / "adapter_model.bin")
    generator = make(adapters=tmp_path)
    with pytest.raises(GeneratorUnavailable, match="adapter"):
        say(generator, QUESTIONS[0], adapter=name)
    assert say(generator, QUESTIONS[0]) == expected(tiny_llama(), tiny_tokenizer(), QUESTIONS[0])
