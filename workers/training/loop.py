"""The loop over steps and epochs, from wherever a run stands until it is done, good enough or out of time."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerloop.errors import ConfigurationError
from workers.training.batches import Lesson, steps_of
from workers.training.checkpoints import BEST, OPTIMIZER, WEIGHTS, Checkpoints, State, Tensors
from workers.training.learner import Learner
from workers.training.lora import adapter_tensors
from workers.training.params import Params
from workers.training.watch import Stop, Watch

METRICS, CHECKPOINTS = "metrics.jsonl", "checkpoints"


@dataclass(frozen=True, slots=True)
class Progress:
    """`loss` is of the last step, `validation_loss` of the last epoch; `seconds` are those of training so far."""

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float | None
    validation_loss: float | None
    tokens_per_s: float
    seconds: float


class Training:
    """The loop over steps and epochs, from wherever it stands."""

    def __init__(
        self,
        learner: Learner,
        lessons: Sequence[Lesson],
        held_out: Sequence[Lesson],
        work: Path,
        params: Params,
        run: str,
        report: Callable[[Progress], None],
        should_pause: Callable[[], bool],
        deadline: float,
    ) -> None:
        self._learner = learner
        self._lessons = lessons
        self._held_out = held_out
        self._params = params
        self._report = report
        self._metrics = work / METRICS
        self.checkpoints = Checkpoints(work / CHECKPOINTS)
        self.state = State(run, params.tokens_per_batch)
        self.best: Tensors = adapter_tensors(learner.model)
        self._resume()
        self.watch = Watch(params, should_pause, deadline, spent=self.state.seconds, paused=self.state.paused_seconds)
        self._per_epoch = len(steps_of(lessons, params.rows_per_step, params.seed, 0))
        self._steps = self._per_epoch * params.epochs
        self._longest_step = 0.0
        self._validation_seconds = 0.0
        self._saved_at, self._saved_step = time.monotonic(), self.state.step

    def run(self) -> Stop:
        if not self.state.validations:
            self._validate()  # the untrained model, to see what is gained
        stopped = self._stop()
        while stopped is None:
            self._save_when_due()
            epoch, number = divmod(self.state.step, self._per_epoch)
            chosen = steps_of(self._lessons, self._params.rows_per_step, self._params.seed, epoch)[number]
            if not self._step(chosen, epoch):
                stopped = self.watch.stop(self._reserve)
                continue
            if self.state.step % self._per_epoch == 0:
                self._validate()
                self._save()
            stopped = self._stop()
        if self.state.step > self.state.validations[-1]["step"]:
            self._validate()
        return stopped

    @property
    def tokens_per_s(self) -> float:
        return self.state.tokens / self.state.step_seconds if self.state.step_seconds else 0.0

    @property
    def _reserve(self) -> float:
        """Seconds kept for one more step and one more validation."""
        return self._longest_step + self._validation_seconds

    def _stop(self) -> Stop | None:
        if self.state.step >= self._steps:
            return Stop.DONE
        if self.state.epochs_without_gain >= self._params.patience:
            return Stop.PATIENCE
        return self.watch.stop(self._reserve)

    def _may_go_on(self) -> bool:
        self.watch.wait(self._validation_seconds)
        return self.watch.stop(self._validation_seconds) is None

    def _step(self, chosen: Sequence[Lesson], epoch: int) -> bool:
        """False when time ran out in the middle."""
        state = self.state
        rate = self._rate(state.step)
        before = self.watch.seconds
        done = self._learner.step(chosen, state.step, rate, state.tokens_per_batch, self._may_go_on)
        if done is None:
            return False
        seconds = self.watch.seconds - before
        self._longest_step = max(self._longest_step, seconds)
        state.step += 1
        state.tokens += done.tokens
        state.step_seconds += seconds
        line = {"step": state.step, "epoch": epoch + 1, "loss": done.loss, "learning_rate": rate}
        line |= {"tokens": done.tokens, "seconds": round(seconds, 3), "memory_gb": round(self.watch.memory_gb(), 3)}
        state.steps.append(line)
        self._note(line)
        self._tell()
        if self.watch.memory_is_short():
            self._smaller_batches()
        return True

    def _validate(self) -> None:
        state = self.state
        loss = None
        if self._held_out:
            before = self.watch.seconds
            loss = self._learner.loss(self._held_out, state.tokens_per_batch, self.watch.wait)
            self._validation_seconds = max(self._validation_seconds, self.watch.seconds - before)
        gained = loss is None or state.best_loss is None or loss < state.best_loss
        state.epochs_without_gain = 0 if gained else state.epochs_without_gain + 1
        if gained:
            state.best_step, state.best_loss = state.step, loss
            self.best = adapter_tensors(self._learner.model)
        line = {"step": state.step, "epoch": round(state.step / self._per_epoch, 3), "validation_loss": loss}
        line |= {"perplexity": None if loss is None else math.exp(loss), "best": gained}
        state.validations.append(line)
        self._note(line)
        self._tell()

    def _rate(self, step: int) -> float:
        """Rises over the warm-up, then falls as the schedule says, and never to nothing."""
        params = self._params
        warm = round(params.warmup * self._steps)
        if step < warm:
            return params.learning_rate * (step + 1) / (warm + 1)
        left = 1 - (step - warm) / max(1, self._steps - warm)
        shape = {"constant": 1.0, "linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2}[params.schedule]
        return params.learning_rate * shape

    def _smaller_batches(self) -> None:
        """Raises ConfigurationError where a row alone is too much."""
        if self.state.tokens_per_batch <= min(len(lesson.tokens) for lesson in self._lessons):
            raise ConfigurationError(
                f"Training holds {self.watch.memory_gb():.1f} GB, more than max_memory_gb = "
                f"{self._params.max_memory_gb:g}, with one row at a time: allow more, set gradient_checkpointing, or "
                "lower max_tokens or rank."
            )
        self.state.tokens_per_batch //= 2

    # --- what stays when the process does not

    def _resume(self) -> None:
        if (found := self.checkpoints.load(self.state.run)) is not None:
            self.state, parts = found
            self._learner.set_weights(parts[WEIGHTS])
            self._learner.set_optimizer(parts[OPTIMIZER])
            self.best = parts[BEST]
        self.state.starts += 1
        known = sorted([*self.state.validations, *self.state.steps], key=lambda line: line["step"])
        self._metrics.write_text("".join(json.dumps(line) + "\n" for line in known), encoding="utf-8")

    def _save_when_due(self) -> None:
        steps, seconds = self.state.step - self._saved_step, time.monotonic() - self._saved_at
        if steps and (steps >= self._params.checkpoint_steps or seconds >= self._params.checkpoint_seconds):
            self._save()

    def _save(self) -> None:
        self.state.seconds, self.state.paused_seconds = self.watch.seconds, self.watch.paused_seconds
        parts = {WEIGHTS: self._learner.weights(), OPTIMIZER: self._learner.optimizer(), BEST: self.best}
        self.checkpoints.save(self.state, parts)
        self._saved_at, self._saved_step = time.monotonic(), self.state.step

    def _note(self, line: Mapping[str, Any]) -> None:
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _tell(self) -> None:
        state = self.state
        self._report(
            Progress(
                step=state.step,
                steps=self._steps,
                epoch=min(state.step // self._per_epoch + 1, self._params.epochs),
                epochs=self._params.epochs,
                loss=state.steps[-1]["loss"] if state.steps else None,
                validation_loss=state.validations[-1]["validation_loss"] if state.validations else None,
                tokens_per_s=self.tokens_per_s,
                seconds=self.watch.seconds,
            )
        )
