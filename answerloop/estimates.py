"""How good all answers are, estimated from those that people have looked at.

Each was chosen with a known probability, so an answer with probability p stands for 1/p answers (Horvitz and Thompson
1952); divided by the sum of these weights (Hájek 1971), which varies less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from answerloop.metrics import Estimate

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A chosen answer: with which probability, as how urgent, and the verdict in 0..1; none when it still waits."""

    probability: float
    priority: str
    value: float | None


@dataclass(frozen=True, slots=True)
class ShareCorrect:
    """`unheard` is the share of all answers of whose priority none is judged yet: the interval allows for all of them
    being right, or wrong."""

    estimate: Estimate
    unheard: float


def weighted_total(values: Sequence[float], probabilities: Sequence[float]) -> float:
    """Horvitz and Thompson's estimate of the sum over all, chosen or not. ValueError unless 0 < p <= 1."""
    return sum(value * weight for value, weight in zip(values, _weights(values, probabilities), strict=True))


def weighted_mean(values: Sequence[float], probabilities: Sequence[float]) -> Estimate:
    """Hájek's estimate of the mean over all, of values in 0..1 that were chosen independently of each other.

    The interval is Wilson's (1927) for the number of answers that would tell as much (Korn and Graubard 1998), by the
    linearised variance Σ (1 − p)/p² · (value − mean)² / (Σ 1/p)², but for no more than if all values differed as right
    and wrong do: few that agree are no certainty. What was chosen for certain adds nothing to the variance. ValueError
    if empty, or unless 0 < p <= 1.
    """
    weights = _weights(values, probabilities)
    total, n = sum(weights), len(weights)
    value = sum(v * w for v, w in zip(values, weights, strict=True)) / total
    most = sum(w * (w - 1) for w in weights) / total**2
    if most == 0:
        return Estimate(value, value, value, n)
    variance = sum(w * (w - 1) * (v - value) ** 2 for v, w in zip(values, weights, strict=True)) / total**2
    worth = value * (1 - value) / variance if variance > 0 else 1 / most
    return Estimate(value, *_wilson(value, min(worth, 1 / most)), n)


def share_correct(chosen: Sequence[LookedAt], answers: Mapping[str, int]) -> ShareCorrect | None:
    """The share of all answers that is correct; None before the first verdict. `answers` is how many there are of each
    priority, chosen or not.

    Urgent ones are judged first, so those that were judged stand for all answers of their priority (poststratified).
    """
    judged = [each for each in chosen if each.value is not None]
    if not judged:
        return None
    stands_for: dict[str, float] = {}
    for each in judged:
        stands_for[each.priority] = stands_for.get(each.priority, 0.0) + 1 / each.probability
    estimate = weighted_mean(
        [each.value for each in judged if each.value is not None],
        [min(1.0, each.probability * stands_for[each.priority] / answers[each.priority]) for each in judged],
    )
    unheard = sum(count for priority, count in answers.items() if priority not in stands_for) / sum(answers.values())
    low, high = estimate.low * (1 - unheard), estimate.high * (1 - unheard) + unheard
    return ShareCorrect(replace(estimate, low=min(low, estimate.value), high=max(high, estimate.value)), unheard)


def _weights(values: Sequence[float], probabilities: Sequence[float]) -> list[float]:
    if len(values) != len(probabilities) or not values:
        raise ValueError(f"expected as many probabilities as values, got {len(probabilities)} and {len(values)}")
    if not all(0 < probability <= 1 for probability in probabilities):
        raise ValueError("expected probabilities above 0 and up to 1")
    return [1 / probability for probability in probabilities]


def _wilson(value: float, n: float) -> tuple[float, float]:
    scale = 1 + _Z**2 / n
    centre = (value + _Z**2 / (2 * n)) / scale
    half = _Z * (value * (1 - value) / n + _Z**2 / (4 * n**2)) ** 0.5 / scale
    return max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half))
