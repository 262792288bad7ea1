"""Points between the base model and what was trained, with intervals over questions."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from answerloop import metrics
from benchmarks.learning.lesson import Answers
from workers.training.arms import Item
from workers.training.comparison import direct_f1


def figures_of(base: Answers, curve: Mapping[int, list[Answers]]) -> dict[str, float]:
    """Points (0 to 100). `gain_…`, `correct_…` and `abstained_…` are of the largest size: mean and 95 % interval over
    questions, each with the mean of its seeds; the first two on unseen documents."""
    largest = max(curve)
    unseen, seen = (gain(base, curve[largest], part) for part in ("unseen", "seen"))
    correct = _difference(base, curve[largest], "unseen", lambda item: float(item.correct))
    figures = {
        **_points("gain", unseen, "gain_points"),
        **_points("gain_seen", seen, "gain_seen_points"),
        **_points("correct", correct, "correct_points"),
    }
    if base["unanswerable"]:
        figures |= _points(
            "abstained",
            _difference(base, curve[largest], "unanswerable", lambda item: float(not item.answered)),
            "abstained_points",
        )
    for part in ("unseen", "seen"):
        figures[f"base_f1_{part}"] = 100 * statistics.mean(map(direct_f1, base[part]))
        for size, runs in curve.items():
            figures[f"f1_{part}_{size}"] = 100 * statistics.mean(direct_f1(item) for run in runs for item in run[part])
    for size, runs in curve.items():
        figures[f"gain_{size}_points"] = 100 * gain(base, runs, "unseen").value
    return figures


def gain(base: Answers, runs: Sequence[Answers], part: str) -> metrics.Estimate:
    return _difference(base, runs, part, direct_f1)


def _difference(
    base: Answers,
    runs: Sequence[Answers],
    part: str,
    score: Callable[[Item], float],
) -> metrics.Estimate:
    of_seeds = [statistics.mean(score(run[part][at]) for run in runs) for at in range(len(base[part]))]
    return metrics.paired_difference(of_seeds, [score(item) for item in base[part]], seed=0)


def _points(name: str, estimate: metrics.Estimate, value: str) -> dict[str, float]:
    return {value: 100 * estimate.value, f"{name}_low": 100 * estimate.low, f"{name}_high": 100 * estimate.high}
