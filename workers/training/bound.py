"""A lower bound for a mean that keeps its error also where that is tiny and the rows are few and lopsided.

The gate asks for errors of 1 in 10,000. There the quantiles of a resampling bootstrap are the extremes of its draws,
and with about 100 rows all of the plain ones (percentile, studentised, sign flips) call a candidate better that gains
a little on most questions and has not yet met the rare one on which it loses everything: their error is then the
chance of not having met it. So this is the Bayesian bootstrap (Rubin 1981) of the rows *and one more of the worst value
that is possible*: the bound of Gaffke (2005, "Three test statistics for a nonparametric one-sided hypothesis on the
mean of a nonnegative variable"). Learned-Miller and Thomas (2019) and Phan et al. (2021, "Towards practical mean bounds
for small samples") found no distribution that breaks it, a proof for every n is open; with many rows it is Student's.
Nothing is drawn at random: the tail is an integral, taken along the line through its saddle point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from answerloop.metrics import Array

_REACH, _STEP = 16.0, 0.05  # of the integral, after u = d · sinh(v); halving the step moves no p by a relative 1e-9
_HALVINGS = 40


def lower_bound(values: Sequence[float], error: float, least: float) -> float:
    """What the mean is above, but for a chance of `error`. No value can be below `least`. ValueError if there are no
    values, or one is below it or not finite, or unless 0 < error < 1/2."""
    if not 0 < error < 0.5:  # noqa: PLR2004 - at one half the bound is the median, and no bound
        raise ValueError(f"expected an error between 0 and 1/2, got {error}")
    sample = _checked(values, least)
    low, high = least, float(sample.mean())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _luck(sample, least, middle) <= error else (low, middle)
    return low


def luck(values: Sequence[float], least: float, mean: float = 0.0) -> float:
    """The p-value of a true mean of at most `mean`. Raises like `lower_bound`."""
    return _luck(_checked(values, least), least, mean)


def _checked(values: Sequence[float], least: float) -> Array:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not sample.size or not np.isfinite(sample).all() or sample.min() < least:
        raise ValueError(f"expected finite numbers of at least {least}, got {values!r:.200}")
    return sample


def _luck(sample: Array, least: float, mean: float) -> float:
    """P(Σ w_i x_i ≤ mean) with w uniform on the simplex and x the sample and `least`."""
    rows = np.append(sample, least) - mean
    if rows.max() <= 0:
        return 1.0
    if rows.min() >= 0:
        return 0.0
    return _tail(rows) if rows.sum() > 0 else 1 - _tail(-rows)


def _tail(rows: Array) -> float:
    """P(Σ e_i x_i ≤ 0) for standard exponential e_i and a positive sum of x: (1/2πi) ∫ M(s)/(−s) ds along Re s = c,
    for any c between the pole 1/min(x) of M(s) = Π 1/(1 − s x_i) and the one at zero; best at M's least value."""
    lowest = 1 / float(rows.min())
    left, right = lowest, 0.0
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        left, right = (left, middle) if (rows / (1 - middle * rows)).sum() > 0 else (middle, right)
    saddle = min(right, -0.5 / float(np.sqrt((rows**2).sum())))  # not so near to zero that its pole is felt
    distance = min(-saddle, saddle - lowest)
    v = np.arange(0.0, _REACH, _STEP)
    s = saddle + 1j * distance * np.sinh(v)
    logs = -np.log1p(-np.multiply.outer(s, rows[rows != 0])).sum(axis=1)
    heights = (np.exp(logs) / -s).real * distance * np.cosh(v)
    return float(min(1.0, max(0.0, (heights.sum() - heights[0] / 2) * _STEP / np.pi)))
