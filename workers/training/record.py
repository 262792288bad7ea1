"""The record of a training: what was learned from, how, on what machine, and what came of it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from workers.training.checkpoints import sync

RECORD = "record.json"
FLAGS = frozenset({"avx", "avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "fma", "asimd", "bf16", "sve"})
"""Of the CPU, the ones that decide how fast it multiplies."""


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """`run` is the hash of all that decides the outcome, `rows_hash` of the rows for training and validation. `tokens`
    are of prompts and replies, without padding, `tokens_per_s` over the steps alone. `steps` and `validations` are the
    curves; step 0 is the untrained model. `starts` counts the attempts that it took."""

    run: str
    model: str
    dataset: str
    rows_hash: str
    rows: int
    validation_rows: int
    left_out: int
    params: Mapping[str, Any]
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]
    validations: tuple[Mapping[str, Any], ...]
    best_step: int
    validation_loss: float | None
    perplexity: float | None
    stopped_because: str
    starts: int
    tokens: int
    tokens_per_s: float
    seconds: float
    paused_seconds: float
    peak_memory_gb: float
    tokens_per_batch: int
    adapter_sha256: str


def write_record(folder: Path, record: TrainingRecord) -> None:
    """Last of all files, and whole or not at all: its existence means the rest is there."""
    fresh = folder / f".{RECORD}"
    fresh.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    sync(fresh)
    fresh.replace(folder / RECORD)
    sync(folder)


def read_record(folder: Path) -> TrainingRecord | None:
    try:
        values = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return TrainingRecord(**{**values, "steps": tuple(values["steps"]), "validations": tuple(values["validations"])})


def versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("answerloop", "torch", "transformers", "peft")}
    return {**packages, "python": platform.python_version()}


def machine(device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "architecture": platform.machine(),
        "cpu_flags": sorted(_cpu_flags() & FLAGS),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "dtype": str(dtype).removeprefix("torch."),
    }


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    lines = (line.partition(":") for line in text.splitlines())
    return next((set(flags.split()) for name, _, flags in lines if name.strip() in {"flags", "Features"}), set())
