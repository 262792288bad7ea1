"""What people have looked at tells of all answers, with an interval that holds what it promises."""

import random

import pytest

from answerloop.estimates import LookedAt, share_correct, weighted_mean, weighted_total


def test_each_stands_for_as_many_as_were_as_likely():
    assert weighted_total([1, 0, 1], [0.5, 0.5, 1]) == 3  # 2 + 0 + 1
    found = weighted_mean([1, 0, 1], [0.5, 0.5, 1])
    assert found.value == 3 / 5
    assert found.n == 3


def test_the_interval_by_hand():
    """Weights 4, 4, 4, 4, 1, 1; mean 13 of 18; variance (3 · 12 · (5/18)² + 12 · (13/18)²) / 18² = 9.037/324; 7.19
    answers tell as much; all of them differing would leave 324/48 = 6.75. Wilson's interval for 6.75."""
    found = weighted_mean([1, 1, 1, 0, 1, 0], [0.25, 0.25, 0.25, 0.25, 1, 1])
    assert found.value == pytest.approx(13 / 18)
    assert (found.low, found.high) == pytest.approx((0.36009, 0.92315), abs=1e-5)


def test_a_simple_random_sample_has_wilsons_interval_of_its_own_size():
    """With p small it is as with every textbook's n."""
    found = weighted_mean([1.0] * 80 + [0.0] * 20, [1e-6] * 100)
    assert (found.value, found.low, found.high) == pytest.approx((0.8, 0.7112, 0.8666), abs=1e-3)


def test_whoever_has_looked_at_everything_knows():
    assert weighted_mean([1, 1, 0, 1], [1] * 4) == weighted_mean([1, 1, 0, 1], [1.0] * 4)
    found = weighted_mean([1, 1, 0, 1], [1] * 4)
    assert (found.low, found.value, found.high) == (0.75, 0.75, 0.75)


def test_few_that_agree_are_no_certainty():
    found = weighted_mean([1] * 10, [0.1] * 10)
    assert found.value == found.high == 1
    assert 0.6 < found.low < 0.75
    flagged = weighted_mean([1] * 10 + [0] * 5, [0.1] * 10 + [1] * 5)
    assert flagged.low < flagged.value - 0.1, "what was drawn agrees, and stands for ten times as many"


@pytest.mark.parametrize(("values", "probabilities"), [([], []), ([1], []), ([1], [0]), ([1], [1.5])])
def test_what_cannot_be_computed_is_said(values, probabilities):
    with pytest.raises(ValueError, match="expected"):
        weighted_mean(values, probabilities)


# --- judged, and not judged yet


def waiting(count: int, probability: float, priority: str) -> list[LookedAt]:
    return [LookedAt(probability, priority, None)] * count


def judged(values: list[float], probability: float, priority: str) -> list[LookedAt]:
    return [LookedAt(probability, priority, value) for value in values]


def test_before_the_first_verdict_there_is_no_figure():
    assert share_correct([], {}) is None
    assert share_correct(waiting(3, 0.1, "sample"), {"sample": 30}) is None


def test_that_flagged_answers_are_judged_first_does_not_make_everything_look_bad():
    """10 flagged and wrong, 10 of 20 drawn judged and right: 200 of 210 are right, whoever was judged first."""
    drawn = judged([0] * 10, 1, "flagged") + judged([1] * 10, 0.1, "sample") + waiting(10, 0.1, "sample")
    found = share_correct(drawn, {"flagged": 10, "sample": 200})
    assert found is not None
    assert found.estimate.value == pytest.approx(200 / 210)
    assert found.unheard == 0


@pytest.mark.parametrize("drawn", [[], waiting(9, 0.1, "sample")])
def test_a_kind_that_nobody_was_heard_of_widens_the_interval(drawn):
    found = share_correct(judged([0] * 10, 1, "flagged") + drawn, {"flagged": 10, "sample": 90})
    assert found is not None
    assert found.unheard == pytest.approx(0.9)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((0, 0.9))


@pytest.mark.parametrize(
    ("share", "flagged_right", "flagged_wrong"), [(0.1, 0.0, 0.0), (0.1, 0.02, 0.4), (0.03, 0.02, 0.4)]
)
def test_it_is_right_on_average_and_its_interval_as_often_as_it_says(share, flagged_right, flagged_wrong):
    """2,000 answers, of which uncertain ones are wrong more often and drawn more often, and wrong ones flagged more
    often."""
    rng = random.Random(7)
    errors, held, runs = [], 0, 400
    for _ in range(runs):
        values, probabilities, right = [], [], 0
        for _ in range(2000):
            unsure = rng.random() < 0.3
            value = float(rng.random() < (0.6 if unsure else 0.9))
            right += value
            flagged = rng.random() < (flagged_right if value else flagged_wrong)
            probability = 1.0 if flagged else share * (2 if unsure else 0.6)
            if rng.random() < probability:
                values.append(value)
                probabilities.append(probability)
        found = weighted_mean(values, probabilities)
        errors.append(found.value - right / 2000)
        held += found.low <= right / 2000 <= found.high
    assert abs(sum(errors) / runs) < 0.006
    assert 0.93 <= held / runs <= 0.99
