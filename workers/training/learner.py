"""One step of learning, and the loss on what is not learned from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from answerloop.errors import ConfigurationError, InternalError
from workers.training.batches import Batch, Lesson, batches_of, collate
from workers.training.lora import add_adapter
from workers.training.params import Params
from workers.training.student import Student


@dataclass(frozen=True, slots=True)
class Step:
    """`loss` is the mean over learned tokens, by weight; `tokens` counts prompts and replies, without padding."""

    loss: float
    tokens: int


class Learner:
    """The student with a fresh adapter and its optimizer. What is computed depends on nothing but the weights, the
    lessons and the numbers handed in, so that a run can go on in another process as if nothing had happened."""

    def __init__(self, student: Student, params: Params) -> None:
        self.device: torch.device = student.model.device
        self.dtype: torch.dtype = student.model.dtype
        self.model = add_adapter(student, params)
        self._params = params
        self._share = not params.gradient_checkpointing  # which computes without a cache
        self._learning = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
        self._optimizer = torch.optim.AdamW(
            self._learning.values(), lr=params.learning_rate, weight_decay=params.weight_decay, fused=True
        )
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)
        self._shown = torch.zeros(0)
        self.model.get_output_embeddings().register_forward_pre_hook(self._show)

    def step(
        self, lessons: Sequence[Lesson], number: int, rate: float, budget: int, may_go_on: Callable[[], bool]
    ) -> Step | None:
        """None, and nothing learned, when `may_go_on` says no between two batches."""
        self.model.train()
        torch.manual_seed(self._params.seed * 1_000_003 + number)  # dropout is the step's, not the process's
        whole = sum(lesson.weight * lesson.learned for lesson in lessons)
        total, tokens = 0.0, 0
        for chosen in batches_of(lessons, budget):
            if not may_go_on():
                self._optimizer.zero_grad()
                return None
            batch = collate(chosen, self.device, share=self._share)
            loss = (self._losses(batch) * batch.weights).sum() / whole
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
            tokens += batch.tokens
        _require_finite(total, f"The loss of step {number + 1}")
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._scaler.unscale_(self._optimizer)
        torch.nn.utils.clip_grad_norm_(self._learning.values(), self._params.max_gradient_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad()
        return Step(total, tokens)

    @torch.no_grad()
    def loss(self, lessons: Sequence[Lesson], budget: int, wait: Callable[[], object]) -> float:
        """Mean over all learned tokens, whatever the rows weigh: its exponential is the perplexity."""
        self.model.eval()
        total = 0.0
        for chosen in batches_of(lessons, budget):
            wait()
            total += self._losses(collate(chosen, self.device, share=self._share)).sum().item()
        mean = total / sum(lesson.learned for lesson in lessons)
        _require_finite(mean, "The validation loss")
        return mean

    def _losses(self, batch: Batch) -> torch.Tensor:
        """Of each learned token. The common prefix is computed once for all rows, and the output layer, which on small
        models costs as much as a quarter of the rest, sees only the places whose next token is learned."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not torch.float32):
            past = self._read_prefix(batch) if batch.prefix.numel() else None
            self._shown = batch.predicts
            logits = self.model(input_ids=batch.rest, past_key_values=past, use_cache=past is not None).logits
        if logits.shape[:2] != (1, len(batch.targets)):
            raise InternalError(f"{type(self.model.get_base_model()).__name__} does not use its output layer as told.")
        return torch.nn.functional.cross_entropy(logits[0].float(), batch.targets, reduction="none")

    def _read_prefix(self, batch: Batch) -> DynamicCache:
        past = DynamicCache()
        self._shown = torch.zeros_like(batch.prefix, dtype=torch.bool)
        self.model(input_ids=batch.prefix, past_key_values=past, use_cache=True)
        past.batch_repeat_interleave(len(batch.rest))
        return past

    def _show(self, _: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (inputs[0][self._shown][None], *inputs[1:])

    # --- what a checkpoint holds

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: weight.detach().cpu() for name, weight in self._learning.items()}

    def set_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, weight in self._learning.items():
                weight.copy_(weights[name])

    def optimizer(self) -> dict[str, torch.Tensor]:
        """Empty before the first step. The factor of float16 is part of it."""
        flat = {
            f"{name}/{key}": value.detach().cpu()
            for name, weight in self._learning.items()
            for key, value in self._optimizer.state.get(weight, {}).items()
        }
        if self._scaler.is_enabled():
            flat |= {f"scaler/{key}": torch.tensor(value) for key, value in self._scaler.state_dict().items()}
        return flat

    def set_optimizer(self, flat: Mapping[str, torch.Tensor]) -> None:
        for name, weight in self._learning.items():
            state = {key: flat[f"{name}/{key}"].to(weight.device) for key in _keys(flat, name)}
            self._optimizer.state[weight] = state
        if self._scaler.is_enabled():
            self._scaler.load_state_dict({key: flat[f"scaler/{key}"].item() for key in _keys(flat, "scaler")})


def _require_finite(loss: float, what: str) -> None:
    if not math.isfinite(loss):
        raise ConfigurationError(f"{what} is {loss}: choose a lower learning_rate, or precision float32.")


def _keys(flat: Iterable[str], name: str) -> list[str]:
    return [key.removeprefix(f"{name}/") for key in flat if key.startswith(f"{name}/")]
