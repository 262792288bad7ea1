"""A tiny random model as a student, rows for it, and a training to be killed in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from answerloop.backends.local_models.student import LocalStudent
from answerloop.domain import Message
from tests.unit.answerloop.backends.tiny_models import tiny_llama, tiny_tokenizer
from workers.training.loop import Progress
from workers.training.params import Params, load_params
from workers.training.rows import Kind, TrainingRow
from workers.training.train import train

SYSTEM = Message("system", "Answer from the evidence.")
PLACES = ("Dam", "Rome", "Oslo", "Bern", "Cork", "Graz", "Lyon", "Pisa")


def student(seed: int = 0) -> LocalStudent:
    return LocalStudent(tiny_llama(seed), tiny_tokenizer(), name="tiny")


def row(number: int, completion: str = "", weight: float = 1.0) -> TrainingRow:
    place = PLACES[number % len(PLACES)]
    question = f"Where is desk {number}{'?' * (number % 5 + 1)}"
    messages = (SYSTEM, Message("user", f"Desk {number} is in {place}. {question}"))
    return TrainingRow(f"r{number}", Kind.CORRECTION, messages, completion or place, weight, f"f{number}", "a", ("d",))


ROWS = tuple(row(number) for number in range(21))
VALIDATION = tuple(row(number) for number in range(21, 26))


def params(**values: Any) -> Params:
    small = {"rank": 4, "epochs": 3, "rows_per_step": 4, "tokens_per_batch": 160, "learning_rate": 0.01, "threads": 1}
    return load_params(None, **{**small, "max_minutes": 0, "precision": "float32", **values})


def main() -> None:
    """Train into the folder named, with a checkpoint after every step, telling each step on a line."""
    torch.set_num_threads(1)

    def tell(progress: Progress) -> None:
        sys.stdout.write(f"{progress.step}\n")
        sys.stdout.flush()

    train(student(), ROWS, VALIDATION, Path(sys.argv[1]), params(checkpoint_steps=1, dropout=0.1), report=tell)


if __name__ == "__main__":
    main()
