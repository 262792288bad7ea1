"""Where a run stands, on disk: whole or not at all, in safetensors and JSON, so that nothing in it can run code."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

WEIGHTS, BEST, OPTIMIZER = "weights", "best", "optimizer"
STATE = "state.json"


@dataclass(slots=True)
class State:
    """`run` says what is trained on what and how; `step` counts the steps that are done. The order of the rows, the
    learning rate and the dropout of a step follow from its number, so no other position has to be kept."""

    run: str
    tokens_per_batch: int
    step: int = 0
    tokens: int = 0
    step_seconds: float = 0.0
    seconds: float = 0.0
    paused_seconds: float = 0.0
    starts: int = 0
    best_step: int = 0
    best_loss: float | None = None
    epochs_without_gain: int = 0
    steps: list[dict[str, Any]] = field(default_factory=list)
    validations: list[dict[str, Any]] = field(default_factory=list)


Tensors = Mapping[str, torch.Tensor]


class Checkpoints:
    """The newest one is kept. Folders are named by number, and one without its last name does not count."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, state: State, parts: Mapping[str, Tensors]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._numbers()
        fresh = self._folder / ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for name, tensors in parts.items():
            save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, fresh / f"{name}.safetensors")
        (fresh / STATE).write_text(json.dumps(asdict(state)), encoding="utf-8")
        for path in (*fresh.iterdir(), fresh):
            sync(path)
        fresh.replace(self._folder / str(max(kept, default=0) + 1))
        sync(self._folder)
        for number in kept:
            shutil.rmtree(self._folder / str(number))

    def load(self, run: str) -> tuple[State, dict[str, dict[str, torch.Tensor]]] | None:
        """None when there is none, or only of another run: that one is removed."""
        for number in sorted(self._numbers(), reverse=True):
            folder = self._folder / str(number)
            state = State(**json.loads((folder / STATE).read_text(encoding="utf-8")))
            if state.run != run:
                break
            return state, {name: load_file(folder / f"{name}.safetensors") for name in (WEIGHTS, BEST, OPTIMIZER)}
        self.clear()
        return None

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _numbers(self) -> list[int]:
        if not self._folder.is_dir():
            return []
        return [int(path.name) for path in self._folder.iterdir() if path.name.isdigit()]


def sync(path: Path) -> None:
    """Survives a power cut from here on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
