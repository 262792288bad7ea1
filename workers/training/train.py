"""LoRA training from rows to an adapter, top to bottom. Killed at any moment, it goes on where its last checkpoint was.

The folder `work` holds `metrics.jsonl` (one line a step, as it happens), `checkpoints/` while it runs, then `adapter/`
and, last, `record.json`.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from answerloop.errors import ConfigurationError
from workers.training.batches import lessons_of
from workers.training.learner import Learner
from workers.training.loop import Progress, Training
from workers.training.lora import WEIGHTS, save_adapter
from workers.training.params import Params
from workers.training.record import RECORD, TrainingRecord, machine, read_record, versions, write_record
from workers.training.rows import TrainingRow, hash_of, lines
from workers.training.student import Student
from workers.training.watch import peak_memory_gb

ADAPTER = "adapter"


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
    training = Training(learner, lessons, held_out, work, params, run, report, should_pause, deadline)
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
        adapter_sha256=hashlib.sha256((work / ADAPTER / WEIGHTS).read_bytes()).hexdigest(),
    )
    write_record(work, record)
    training.checkpoints.clear()
    return record


def _hash_of_run(student: Student, rows_hash: str, params: Params) -> str:
    """Threads and limits decide how long it takes, not what is learned; other versions may learn otherwise."""
    limits = {"threads", "max_minutes", "max_memory_gb", "checkpoint_steps", "checkpoint_seconds"}
    what = {"model": student.name, "dtype": str(student.model.dtype), "device": student.model.device.type}
    what |= {"versions": versions(), "rows": rows_hash, "params": params.model_dump(exclude=limits)}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _clear(work: Path) -> None:
    """Nothing of an earlier run may be taken for this one's."""
    work.mkdir(parents=True, exist_ok=True)
    (work / RECORD).unlink(missing_ok=True)
    shutil.rmtree(work / ADAPTER, ignore_errors=True)
