"""The lower bound against what it stands for, drawn at random, and against distributions made to break it."""

from __future__ import annotations

import numpy as np
import pytest

from workers.training.bound import lower_bound, luck


def drawn(rows: np.ndarray, least: float, mean: float, seed: int) -> float:
    """The share of draws of e ~ Exp(1) in which Σ e (x − mean) ≤ 0."""
    shifted = np.append(rows, least) - mean
    draws = np.random.default_rng(seed).exponential(size=(100_000, len(shifted)))
    return float((draws @ shifted <= 0).mean())


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_it_is_the_share_of_draws(n):
    rng = np.random.default_rng(n)
    for rows in (rng.uniform(-1, 1, n), rng.choice([-1.0, 0.0, 0.5, 1.0], n), np.full(n, 0.2)):
        for mean in (-0.2, 0.0, 0.1):
            assert luck(rows, -1, mean) == pytest.approx(drawn(rows, -1, mean, seed=n), abs=0.008)


def test_tiny_chances_are_exact():
    # 100 rows of 1/2: e0 > (1/2) Σ e, which has the chance (1 + 1/2)^-100
    assert luck([0.5] * 100, -1) == pytest.approx(1.5**-100, rel=1e-9)
    # only k winners and the worst row count: it outweighs k equal ones with the chance 2^-k
    assert luck([0.0] * 80 + [1.0] * 20, -1) == pytest.approx(2.0**-20, rel=1e-9)


def test_the_bound_is_where_luck_is_the_error():
    rows = np.random.default_rng(0).normal(0.2, 0.4, 120).clip(-1, 1)
    for error in (0.03, 1e-3, 1e-6):
        bound = lower_bound(rows, error, -1)
        assert luck(rows, -1, bound) == pytest.approx(error, rel=1e-6)


def test_nothing_is_sure_from_rows_that_only_gain_a_little():
    assert lower_bound([0.01] * 100, 0.025, -1) < 0
    assert luck([0.0] * 50, -1) == 1.0


@pytest.mark.parametrize("loss", [0.01, 0.03, 0.1, 0.5])
def test_a_rare_total_loss_that_was_not_met_yet_fools_nobody(loss):
    """Mean zero: a gain of loss / (1 − loss) mostly, −1 with the chance `loss`."""
    rng, error = np.random.default_rng(7), 0.05
    losses = rng.binomial(100, loss, size=2000)
    p = {k: luck([-1.0] * k + [loss / (1 - loss)] * (100 - k), -1) for k in set(losses.tolist())}
    assert np.mean([p[k] <= error for k in losses.tolist()]) <= error + 0.01


@pytest.mark.parametrize("rows", [[], [float("nan")], [-1.1], [[0.1]]])
def test_rows_that_are_none_are_an_error(rows):
    with pytest.raises(ValueError, match="expected finite numbers"):
        luck(rows, -1)


@pytest.mark.parametrize("error", [0.0, 0.5, 1.0])
def test_an_error_that_is_none_is_an_error(error):
    with pytest.raises(ValueError, match="expected an error"):
        lower_bound([0.1], error, -1)
