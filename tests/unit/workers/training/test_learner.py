"""The fast loss against the plain one: all logits, one row at a time, labels of -100."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from tests.unit.answerloop.backends.tiny_models import tiny_llama
from tests.unit.workers.training.pupils import ROWS, params, row, student
from workers.training.batches import Lesson, lessons_of
from workers.training.learner import Learner

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # from PEFT


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def randomised(model: Any) -> Any:
    """B is zero at first, which would hide mistakes."""
    torch.manual_seed(5)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return model


def plain_loss_and_gradients(lessons: list[Lesson], prompt_label: int = -100) -> tuple[float, dict[str, torch.Tensor]]:
    config = LoraConfig(r=4, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = randomised(get_peft_model(tiny_llama(), config))
    whole = sum(lesson.weight * lesson.learned for lesson in lessons)
    total = torch.zeros(())
    for lesson in lessons:
        logits = model(input_ids=torch.tensor([lesson.tokens])).logits[0, :-1]
        labels = torch.tensor(lesson.tokens)[1:]
        labels[: lesson.learned_from - 1] = prompt_label
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none", ignore_index=-100)
        total = total + losses.sum() * lesson.weight / whole
    total.backward()
    return total.item(), {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}


def gradients_of_step(learner: Learner, lessons: list[Lesson], budget: int) -> tuple[float, dict[str, torch.Tensor]]:
    kept: dict[str, torch.Tensor] = {}
    learner._optimizer.register_step_pre_hook(
        lambda *_: kept.update({name: w.grad.clone() for name, w in learner._learning.items()})
    )
    step = learner.step(lessons, 0, 1e-3, budget, lambda: True)
    assert step is not None
    assert step.tokens == sum(len(lesson.tokens) for lesson in lessons)
    return step.loss, kept


@pytest.mark.parametrize("budget", [100, 250, 10_000])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_loss_and_gradients_are_those_of_all_logits_without_sharing_or_padding(
    budget: int, checkpointing: bool
) -> None:
    weighted = [row(0), row(1, "a longer reply", 0.25), row(2, weight=3.0), row(7, "x"), row(9)]
    lessons = lessons_of(student(), weighted, 1000)
    loss, expected = plain_loss_and_gradients(lessons)
    learner = Learner(student(), params(gradient_checkpointing=checkpointing, max_gradient_norm=1e9))
    randomised(learner.model)
    ours, gradients = gradients_of_step(learner, lessons, budget)
    assert ours == pytest.approx(loss, rel=1e-5)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=2e-5)


def test_the_output_layer_sees_only_what_is_learned() -> None:
    learner = Learner(student(), params())
    seen: list[int] = []
    learner.model.get_output_embeddings().register_forward_hook(
        lambda _, __, logits: seen.append(logits.shape[0] * logits.shape[1])
    )
    lessons = lessons_of(student(), ROWS[:4], 1000)
    learner.step(lessons, 0, 1e-3, 10_000, lambda: True)
    assert sum(seen) == sum(lesson.learned for lesson in lessons) == 19


def test_labels_of_prompts_would_change_the_plain_loss_but_are_no_part_of_ours() -> None:
    """Guards the reference: if supervising prompts changed nothing, the comparison above would prove nothing."""
    lessons = lessons_of(student(), ROWS[:3], 1000)
    assert plain_loss_and_gradients(lessons, prompt_label=7)[0] > 2 * plain_loss_and_gradients(lessons)[0]


def test_a_step_that_is_told_to_stop_learns_nothing() -> None:
    learner = Learner(student(), params())
    before = {name: weight.clone() for name, weight in learner.weights().items()}
    answers = iter([True, False])
    assert learner.step(lessons_of(student(), ROWS[:6], 1000), 0, 1e-2, 100, lambda: next(answers)) is None
    assert all(torch.equal(weight, before[name]) for name, weight in learner.weights().items())
    assert learner.optimizer() == {}
