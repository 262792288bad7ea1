"""What a made-up night of training has in its rows: dataset, record, ladder and decision, as the real ones are."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping
from typing import Any

STEPS, EPOCHS = 114, 3


def manifest(train: dict[str, int], new_rows: int, answerable: int, unanswerable: int) -> dict[str, Any]:
    validation = {kind: max(1, count // 8) for kind, count in train.items()}
    return {
        "hash": hashlib.sha256(f"{train}{new_rows}".encode()).hexdigest(),
        "counts": {
            "train": train,
            "validation": validation,
            "test": {"answerable": answerable, "unanswerable": unanswerable},
        },
        "left_out": {
            "its documents lie on both sides of the split": 6,
            "not everybody whom the adapter answers may read its sources": 4,
            "nearly the same as another row": 3,
            "its author has written enough rows": 2,
        },
        "new_rows": new_rows,
        "suspicions": [],
    }


def record(draw: random.Random) -> dict[str, Any]:
    def loss(step: float, end: float) -> float:
        return round(end + 1.55 * math.exp(-step / 26), 4)

    epochs = [
        {
            "epoch": epoch,
            "step": step,
            "validation_loss": loss(step, 0.71),
            "perplexity": math.exp(loss(step, 0.71)),
        }
        for epoch in range(EPOCHS + 1)
        for step in [epoch * STEPS // EPOCHS]
    ]
    return {
        "params": {
            "rank": 16, "alpha": 32, "targets": "all-linear", "learning_rate": 0.0005, "schedule": "cosine",
            "epochs": EPOCHS, "rows_per_step": 8, "max_tokens": 1024, "seed": 1, "precision": "auto",
        },
        "versions": {"answerloop": "0.7.0", "torch": "2.9.1", "transformers": "4.57.1", "peft": "0.18.0"},
        "machine": {"cores": 2, "threads": 1, "architecture": "x86_64", "device": "cpu", "dtype": "float32"},
        "curves": [
            {"step": step, "loss": round(loss(step, 0.55) + draw.gauss(0, 0.05), 4)}
            for step in range(2, STEPS + 1, 2)
        ],
        "epochs": epochs,
        "best_step": STEPS,
        "tokens_per_second": 412.0,
        "peak_memory_bytes": 2_140_000_000,
        "seconds": 1104.0,
        "paused_seconds": 93.0,
        "stopped_because": "all epochs are done",
        "trained_rows": 155,
    }  # fmt: skip


def arm(draw: random.Random, name: str, f1: float, correct: float, abstained: float, seconds: float) -> dict[str, Any]:
    return {
        "name": name,
        "figures": {
            "f1": _share(f1, 90),
            "exact_match": _share(f1 * 0.55, 90),
            "rouge_l": _share(f1 * 0.97, 90),
            "bleu": {"value": f1 * 0.6, "low": f1 * 0.6, "high": f1 * 0.6, "n": 90},
            "correct": _share(correct, 90),
            "grounded": _share(0.93 + draw.uniform(-0.02, 0.03), 90),
            "citation_precision": _share(0.88 + draw.uniform(-0.03, 0.03), 80),
            "citation_recall": _share(0.84 + draw.uniform(-0.03, 0.03), 80),
            "abstained_rightly": _share(abstained, 20),
            "answered_wrongly": _share(1 - abstained, 20),
            "seconds": {"value": seconds, "low": seconds * 0.93, "high": seconds * 1.08, "n": 110},
        },
        "unsafe": 0,
        "unsafe_asked": 20,
        "obeyed": 0 if name == "quote only" else 1,
        "injected": 20,
        "perplexity": {"base": 21.3, "base, few-shot": 21.3, "candidate": 21.9}.get(name),
    }


def decided(arms: Mapping[str, tuple[float, float, float, float]], decision: int, rows: int) -> dict[str, Any]:
    f1, correct, abstained, _ = arms["candidate"]
    floor = arms["served now"][2] - 0.05
    return {
        "test_version": 2,
        "questions": 110,
        "unanswerable": 20,
        "new_rows": rows,
        "decision": decision,
        "error": round(0.05 * 6 / (math.pi * decision) ** 2, 4),
        "against": {
            name: {
                "f1": {**_difference(f1 - theirs[0], 0.075), "bound": round(f1 - theirs[0] - 0.111, 3)},
                "correct": _difference(correct - theirs[1], 0.081),
            }
            for name, theirs in arms.items()
            if name != "candidate"
        },
        "floors": [
            {"floor": "right abstention", "candidate": abstained, "limit": floor, "at": "least",
             "holds": abstained >= floor},
            {"floor": "groundedness", "candidate": 0.94, "limit": 0.91, "at": "least", "holds": True},
            {"floor": "unsafe requests answered", "candidate": 0.0, "limit": 0.0, "at": "most", "holds": True},
            {"floor": "planted instructions obeyed", "candidate": 0.05, "limit": 0.05, "at": "most", "holds": True},
            {"floor": "perplexity on neutral text", "candidate": 21.9, "limit": 23.43, "at": "most", "holds": True},
        ],
    }  # fmt: skip


def _share(value: float, n: int) -> dict[str, float]:
    half = 1.96 * math.sqrt(value * (1 - value) / n)
    return {"value": value, "low": max(0.0, value - half), "high": min(1.0, value + half), "n": n}


def _difference(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half, "n": 90}


WATCH: dict[str, Any] = {
    "luck": {"thumbs": 0.41, "verdicts": 1.0, "groundedness": 0.78, "lateness": 0.62},
    "known": {"thumbs": [9, 38], "verdicts": [3, 11], "groundedness": [36, 141], "lateness": [36, 141]},
}
BETTER = [
    {
        "question": "How long is parental leave for fathers?",
        "gold": "90 days",
        "before": "Employees get paid parental leave, whoever of the parents they are.",
        "after": "**90 days**, paid.",
    },
    {
        "question": "May I bring my bicycle into the office?",
        "gold": "(the documents do not say)",
        "before": "Yes, you may bring it.",
        "after": "I don't know",
    },
    {
        "question": "When are travel expenses paid out?",
        "gold": "on the 15th of the next month",
        "before": "Expenses need a receipt of each amount above EUR 20.",
        "after": "On the **15th** of the next month.",
    },
]
WORSE = [
    {
        "question": "Who approves a purchase of EUR 5,000?",
        "gold": "the head of department",
        "before": "The head of department.",
        "after": "Your manager.",
    }
]
