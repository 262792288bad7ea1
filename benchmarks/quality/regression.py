"""Which change against the last result is more than noise? Every figure is compared question by question.

The interval beside a difference is the usual 95 % one. The verdict is stricter, because a run compares many figures
and one in twenty would lie outside by luck: a paired permutation test for each (Fisher 1935; on yes/no figures it is
McNemar's exact test), and Holm's step-down (1979) over all of them. A run in which nothing got better or worse is then
called anything but noise once in twenty times at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.stats import permutation_test, rankdata

from answerloop import metrics
from answerloop.metrics import Estimate
from benchmarks.quality.result import AUROC, SetResult, contributions
from workers.evaluation import SEED

LEVEL = 0.05
RESAMPLES = 9_999
BETTER, WORSE, NOISE, NOT_COMPARED = "better", "worse", "within noise", "not compared"

Array = npt.NDArray[np.float64]
Level = Callable[[Array], Array]
"""A figure along the last axis."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure on the questions that both sides have; `difference` is now minus before."""

    before: float
    now: float
    difference: Estimate
    p: float


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a figure. `only_before` and `only_now` name the questions that have no partner."""

    name: str
    figure: str
    only_before: tuple[str, ...]
    only_now: tuple[str, ...]
    paired: Paired | None
    verdict: str = NOT_COMPARED


def compare(
    before: Mapping[str, SetResult], now: Mapping[str, SetResult], figures: Mapping[str, Sequence[str]]
) -> list[Change]:
    """Every figure of every set that both sides hold, judged as one family."""
    changes = [
        _change(name, figure, before[name], now[name]) for name in now if name in before for figure in figures[name]
    ]
    adjusted = iter(holm([change.paired.p for change in changes if change.paired]))
    return [
        replace(change, verdict=_verdict(change.paired.difference.value, next(adjusted))) if change.paired else change
        for change in changes
    ]


def _verdict(difference: float, adjusted_p: float) -> str:
    if adjusted_p >= LEVEL:
        return NOISE
    return BETTER if difference > 0 else WORSE


def _change(name: str, figure: str, before: SetResult, now: SetResult) -> Change:
    was, is_now = contributions(before.rows, figure), contributions(now.rows, figure)
    both = [key for key in is_now if key in was]
    answerable = {row.id: row.answerable for row in now.rows}
    return Change(
        name,
        figure,
        only_before=tuple(sorted(was.keys() - is_now.keys())),
        only_now=tuple(sorted(is_now.keys() - was.keys())),
        paired=_paired(figure, [was[k] for k in both], [is_now[k] for k in both], [answerable[k] for k in both]),
    )


def _paired(figure: str, was: list[float], is_now: list[float], answerable: list[bool]) -> Paired | None:
    """None without a question on both sides; AUROC needs one that can be answered and one that cannot."""
    if figure == AUROC:
        return _paired_auroc(was, is_now, answerable) if len(set(answerable)) > 1 else None
    if not was:
        return None
    before, now = np.array(was), np.array(is_now)
    moved = before != now  # the others are no evidence, and without them the test is exact up to thirteen questions
    p = p_value(now[moved], before[moved], _mean) if moved.sum() > 1 else 1.0
    return Paired(float(before.mean()), float(now.mean()), metrics.paired_difference(is_now, was, SEED), p)


def _paired_auroc(was: list[float], is_now: list[float], answerable: list[bool]) -> Paired:
    """By ranks, because the two runs may have other scales of probability."""
    before, now = rankdata(was), rankdata(is_now)
    level = partial(_auroc, labels=np.array(answerable))
    difference = metrics.auroc_difference(is_now, was, answerable, SEED)
    return Paired(float(level(before)), float(level(now)), difference, p_value(now, before, level))


def p_value(a: Array, b: Array, level: Level) -> float:
    """Two-sided: how often a difference of `level` this large comes from swapping a[i] and b[i] at random.

    At least two pairs; all swaps where there are at most RESAMPLES of them.
    """
    test = permutation_test(
        (a, b),
        lambda x, y, axis: level(x) - level(y),
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=1_000,
        vectorized=True,
        rng=SEED,
    )
    return float(test.pvalue)


def _mean(values: Array) -> Array:
    return np.asarray(values.mean(axis=-1))


def _auroc(scores: Array, labels: npt.NDArray[np.bool_]) -> Array:
    """Mann and Whitney's U over its largest value."""
    positives, negatives = labels.sum(), (~labels).sum()
    ranks = rankdata(scores, axis=-1)[..., labels].sum(axis=-1)
    return np.asarray((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value, adjusted for all of them together (Holm 1979)."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = largest
    return adjusted
