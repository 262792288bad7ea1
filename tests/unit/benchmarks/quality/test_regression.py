"""What is called worse, and what is not."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality.regression import BETTER, NOISE, NOT_COMPARED, WORSE, compare, holm, p_value
from benchmarks.quality.result import SetResult
from tests.unit.benchmarks.quality.results import result

FIGURES = ("correct", "f1", "abstained_rightly", "auroc", "mrr@10")


def verdicts(before: SetResult, now: SetResult, *figures: str) -> dict[str, str]:
    chosen = figures or FIGURES
    return {change.figure: change.verdict for change in compare({"set": before}, {"set": now}, {"set": chosen})}


def test_a_planted_drop_is_caught_in_the_figures_it_touches_alone():
    assert verdicts(result(), result(wrong=range(12))) == {
        "correct": WORSE,
        "f1": WORSE,
        "abstained_rightly": NOISE,
        "auroc": NOISE,
        "mrr@10": NOISE,
    }


def test_the_same_change_the_other_way_round_is_better():
    assert verdicts(result(wrong=range(12)), result(), "correct") == {"correct": BETTER}


def test_eight_of_fifty_are_the_least_that_the_slice_catches():
    assert verdicts(result(n=50), result(wrong=range(8), n=50))["correct"] == WORSE
    assert verdicts(result(n=50), result(wrong=range(7), n=50))["correct"] == NOISE


def test_one_question_alone_is_noise():
    assert set(verdicts(result(), result(wrong=[3], answered=[4])).values()) == {NOISE}


def test_questions_that_change_places_are_noise():
    # 5 of 60 get worse, 4 better
    assert set(verdicts(result(wrong=range(4)), result(wrong=range(20, 25))).values()) == {NOISE}


def test_a_run_like_the_last_one_is_noise():
    assert set(verdicts(result(), result()).values()) == {NOISE}


def test_many_figures_make_each_verdict_stricter():
    # 6 of 60 worse and none better: McNemar's exact p = 2 / 2**6 = .031, which is enough for one figure, not for five
    now = result(wrong=range(6))
    assert verdicts(result(), now, "correct") == {"correct": WORSE}
    assert verdicts(result(), now)["correct"] == NOISE


def test_the_difference_is_paired_and_has_its_interval():
    (change,) = compare({"set": result()}, {"set": result(wrong=range(12))}, {"set": ("correct",)})
    assert (change.paired.before, change.paired.now) == (1.0, 0.8)
    assert change.paired.difference.value == pytest.approx(-0.2)
    assert change.paired.difference.low < -0.2 < change.paired.difference.high < 0
    assert change.paired.difference.n == 60


def test_questions_on_one_side_alone_are_named_and_do_not_count():
    before, now = result(n=60), result(n=50)
    extra = replace(now.rows[0], id="fresh", correct=False)
    (change,) = compare({"set": before}, {"set": replace(now, rows=(*now.rows, extra))}, {"set": ("correct",)})
    assert change.only_before == tuple(sorted(f"a{i}" for i in range(50, 60)))
    assert change.only_now == ("fresh",)
    assert change.paired.difference.n == 50
    assert change.verdict == NOISE


def test_nothing_in_common_is_no_verdict():
    now = result()
    renamed = replace(now, rows=tuple(replace(row, id=f"new-{row.id}") for row in now.rows))
    assert set(verdicts(result(), renamed).values()) == {NOT_COMPARED}


def test_auroc_drops_when_refused_questions_rise_above_answered_ones():
    now = result()
    shuffled = replace(now, rows=tuple(replace(row, probability=0.5) for row in now.rows))
    (change,) = compare({"set": now}, {"set": shuffled}, {"set": ("auroc",)})
    assert (change.paired.before, change.paired.now) == (1.0, 0.5)
    assert change.verdict == WORSE


def test_another_scale_of_probability_is_no_change_of_auroc():
    now = result()
    squeezed = replace(now, rows=tuple(replace(row, probability=row.probability / 10) for row in now.rows))
    (change,) = compare({"set": now}, {"set": squeezed}, {"set": ("auroc",)})
    assert change.paired.difference.value == 0.0
    assert change.verdict == NOISE


def test_the_p_value_of_a_yes_no_figure_is_mcnemars():
    # 7 drops against 1 rise: 2 * (C(8,0) + C(8,1)) / 2**8 = 18 / 256
    a, b = np.array([0.0] * 7 + [1.0] + [1.0] * 4), np.array([1.0] * 7 + [0.0] + [1.0] * 4)
    assert p_value(a, b, lambda values: values.mean(axis=-1)) == pytest.approx(18 / 256)


def test_holm_by_hand():
    # sorted .01, .02, .04 times 3, 2, 1: .03, .04, .04
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    # .02 * 2 = .04, then .03 * 1 is lifted to .04; nothing exceeds 1
    assert holm([0.02, 0.03]) == pytest.approx([0.04, 0.04])
    assert holm([0.8, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
