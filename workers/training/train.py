"""LoRA training from rows to an adapter, top to bottom. Killed at any moment, it goes on where its last checkpoint was.

The folder `work` holds `metrics.jsonl` (one line a step, as it happens), `checkpoints/` while it runs, then `adapter/`
and, last, `record.json`.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from answerloop.errors import ConfigurationError
from workers.training.batches import Lesson, lessons_of, steps_of
from workers.training.checkpoints import BEST, OPTIMIZER, WEIGHTS, Checkpoints, State, Tensors
from workers.training.learner import Learner
from workers.training.lora import WEIGHTS as ADAPTER_WEIGHTS
from workers.training.lora import adapter_tensors, save_adapter
from workers.training.params import Params
from workers.training.record import TrainingRecord, machine, read_record, versions, write_record
from workers.training.rows import TrainingRow, hash_of, lines
from workers.training.student import Student
from workers.training.watch import Stop, Watch, peak_memory_gb

ADAPTER, METRICS, CHECKPOINTS = "adapter", "metrics.jsonl", "checkpoints"


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


def train(
    student: Student,
    rows: Sequence[TrainingRow],
    validation: Sequence[TrainingRow],
    work: Path,
    params: Params,
    *,
    dataset: str = "",
    report: Callable[[Progress], None] = lambda _: None,
    should_pause: Callable[[], bool] = lambda: False,
    deadline: float = math.inf,
) -> TrainingRecord:
    """Called again with the same rows and parameters it goes on, or returns the record of what is done; with others it
    starts over. `should_pause` is asked before every batch; `deadline` is of `time.monotonic`. Raises
    ConfigurationError when the parameters do not suit the model, the rows or the memory."""
    rows_hash = hash_of(lines(rows), lines(validation))
    run = _hash_of_run(student, rows_hash, params)
    if (done := read_record(work)) and done.run == run:
        return done
    _clear(work)
    if params.threads:
        torch.set_num_threads(params.threads)

    lessons = lessons_of(student, rows, params.max_tokens)
    held_out = lessons_of(student, validation, params.max_tokens)
    if not lessons:
        raise ConfigurationError(f"None of {len(rows)} rows fits max_tokens = {params.max_tokens}.")
    learner = Learner(student, params)
    training = _Training(learner, lessons, held_out, work, params, run, report, should_pause, deadline)
    stopped = training.run()

    save_adapter(work / ADAPTER, training.best, learner.model, student.name)
    state = training.state
    record = TrainingRecord(
        run=run,
        model=student.name,
        dataset=dataset,
        rows_hash=rows_hash,
        rows=len(lessons),
        validation_rows=len(held_out),
        left_out=len(rows) + len(validation) - len(lessons) - len(held_out),
        params=params.model_dump(),
        versions=versions(),
        machine=machine(learner.device, learner.dtype),
        steps=tuple(state.steps),
        validations=tuple(state.validations),
        best_step=state.best_step,
        validation_loss=state.best_loss,
        perplexity=None if state.best_loss is None else math.exp(state.best_loss),
        stopped_because=stopped.value,
        starts=state.starts,
        tokens=state.tokens,
        tokens_per_s=training.tokens_per_s,
        seconds=training.watch.seconds,
        paused_seconds=training.watch.paused_seconds,
        peak_memory_gb=peak_memory_gb(),
        tokens_per_batch=state.tokens_per_batch,
        adapter_sha256=hashlib.sha256((work / ADAPTER / ADAPTER_WEIGHTS).read_bytes()).hexdigest(),
    )
    write_record(work, record)
    training.checkpoints.clear()
    return record


class _Training:
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


def _hash_of_run(student: Student, rows_hash: str, params: Params) -> str:
    """Threads and limits decide how long it takes, not what is learned."""
    limits = {"threads", "max_minutes", "max_memory_gb", "checkpoint_steps", "checkpoint_seconds"}
    what = {"model": student.name, "dtype": str(student.model.dtype), "device": student.model.device.type}
    what |= {"rows": rows_hash, "params": params.model_dump(exclude=limits)}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _clear(work: Path) -> None:
    """Nothing of an earlier run may be taken for this one's."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "record.json").unlink(missing_ok=True)
    shutil.rmtree(work / ADAPTER, ignore_errors=True)
