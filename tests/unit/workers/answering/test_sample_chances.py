"""How probable it is that people look at an answer: fixed before the draw, never 0, more where more is learnt."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from answerloop.auditing import Flag, Priority
from answerloop.db.repositories.sample_history import Past
from answerloop.db.repositories.samples import Finished
from answerloop.estimates import LookedAt, share_correct, weighted_total
from workers.answering import sample
from workers.answering.sample import Plan

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PLAN = Plan(0.1, 0.5, 100, budget=50, overlap=1, reviewers_group="reviewers", seed="s")
ANSWER = Finished("a", "default", "web", "hr", "sure", "base", {}, (), frozenset(), masked=True)
USUAL = {"answerable": 0.5 + 0.6**0.5 / 2}  # as unsure as usual: 4a(1 − a) = 0.4; and as new, without a vector


def a_past(**changed: object) -> Past:
    fields = {
        "answers": {"web/hr/sure": 1000},
        "teaching": 0.4,
        "spent": 0,
        "flagged_ahead": 0.0,
        "wanted_ahead": 0.0,
        "judged": {},
    }
    return Past(**(fields | changed))


def unit(*numbers: float) -> bytes:
    row = np.asarray(numbers, dtype="<f4")
    return (row / np.linalg.norm(row)).tobytes()


def chance(answer: Finished = ANSWER, past: Past | None = None, plan: Plan = PLAN) -> float:
    return sample.decide(answer, past or a_past(), plan, NOW).probability


def test_the_same_answer_has_the_same_draw_and_draws_are_uniform():
    draws = [sample.draw("seed", f"{number:032x}") for number in range(4000)]
    assert draws == [sample.draw("seed", f"{number:032x}") for number in range(4000)]
    assert draws[0] != sample.draw("another", f"{0:032x}")
    assert 0 <= min(draws) < 0.01
    assert 0.99 < max(draws) < 1
    counts = np.histogram(draws, bins=10, range=(0, 1))[0]
    assert ((counts - 400) ** 2 / 400).sum() < 21.7, "chi-square, nine degrees of freedom, one in a hundred"


def test_an_ordinary_answer_has_the_share_of_the_settings():
    assert chance(replace(ANSWER, scores=USUAL)) == pytest.approx(0.1)


@pytest.mark.parametrize("flag", list(Flag))
def test_what_is_flagged_is_looked_at_however_little_budget_is_left(flag):
    past = a_past(spent=10_000, wanted_ahead=1e6)
    drawn = sample.decide(replace(ANSWER, flags=(flag,)), past, PLAN, NOW)
    assert (drawn.probability, drawn.chosen) == (1.0, True)
    assert drawn.priority == (Priority.URGENT if flag in (Flag.UNSAFE, Flag.HUMAN) else Priority.FLAGGED)


def test_a_rare_kind_of_answer_is_looked_at_more_often():
    chances = [chance(replace(ANSWER, scores=USUAL), a_past(answers={"web/hr/sure": n})) for n in (0, 1, 3, 9, 100)]
    assert chances == pytest.approx([1, 1, 0.5, 0.2, 0.1])


def test_a_new_adapter_is_looked_at_more_often_until_it_is_known():
    new = replace(ANSWER, adapter="night-7", scores=USUAL)
    assert chance(new) == pytest.approx(0.5)
    assert chance(new, a_past(judged={"night-7": 100})) == pytest.approx(0.1)
    assert sample.decide(new, a_past(), PLAN, NOW).priority == Priority.CANARY
    assert sample.decide(ANSWER, a_past(), PLAN, NOW).priority == Priority.SAMPLE


def test_what_is_uncertain_and_new_is_wanted_more():
    known, other = unit(1, 0), unit(0, 1)
    past = a_past(questions=[("e", known)])

    def wanted(scores: dict[str, float], vector: bytes) -> float:
        return sample.decide(replace(ANSWER, scores=scores, embedder="e", vector=vector), past, PLAN, NOW).wanted

    dull, unsure = wanted({"answerable": 1.0}, known), wanted({"answerable": 0.5}, known)
    new, both = wanted({"answerable": 1.0}, other), wanted({"answerable": 0.5}, other)
    assert dull < unsure < both
    assert dull < new < both
    assert both == pytest.approx(6 * dull)


def test_uncertainty_is_a_toss_up_or_something_that_nothing_carries():
    assert sample.uncertainty({}) == 0
    assert sample.uncertainty({"answerable": 0.5}) == 1
    assert sample.uncertainty({"answerable": 1.0, "grounded": 0.7}) == pytest.approx(0.3)


def test_novelty_is_the_distance_to_the_nearest_question_that_was_chosen():
    answer = replace(ANSWER, embedder="e", vector=unit(1, 1))
    assert sample.novelty(answer, []) == 1
    assert sample.novelty(answer, [("e", unit(1, 0)), ("e", unit(-1, 0))]) == pytest.approx(1 - 0.5**0.5)
    assert sample.novelty(answer, [("another", unit(1, 1))]) == 1
    assert sample.novelty(replace(answer, vector=None), [("e", unit(1, 0))]) == sample.USUAL_TEACHING


def test_a_budget_is_spread_over_the_rest_of_the_day_after_the_flagged_ones():
    ordinary = replace(ANSWER, scores=USUAL)
    assert chance(ordinary, a_past(spent=10, wanted_ahead=40)) == pytest.approx(0.1)
    assert chance(ordinary, a_past(spent=10, wanted_ahead=80)) == pytest.approx(0.05)
    assert chance(ordinary, a_past(spent=10, flagged_ahead=20, wanted_ahead=80)) == pytest.approx(0.025)


def test_a_budget_that_is_spent_leaves_a_little():
    for spent in (50, 500):
        assert chance(replace(ANSWER, scores=USUAL), a_past(spent=spent, wanted_ahead=80)) == pytest.approx(0.005)
        assert chance(replace(ANSWER, scores=USUAL), a_past(spent=spent)) == pytest.approx(0.005)
    assert chance(plan=replace(PLAN, budget=0)) > 0


def test_the_next_answer_is_drawn_knowing_the_one_before():
    past = a_past(answers={}, wanted_ahead=100.0)
    for number in range(30):
        sample.decide(replace(ANSWER, answer_id=f"{number}", vector=unit(1, number), embedder="e"), past, PLAN, NOW)
    assert past.answers == {"web/hr/sure": 30}
    assert past.spent == len(past.questions) > 0


@pytest.mark.parametrize("budget", [0, 5, 50])
def test_budgets_and_flags_leave_the_estimate_right_on_average(budget):
    """A day of 300 answers, drawn with what was spent before each; wrong ones are flagged more often, and are more
    often uncertain. Over many days the weighted totals are the true ones."""
    rng = random.Random(3)
    total, correct, of_all, of_correct, held, days = 0.0, 0.0, 0, 0, 0, 150
    for day in range(days):
        past = a_past(answers={}, teaching=0.6)
        chosen, answers, right = [], Counter(), 0
        for number in range(300):
            is_right = rng.random() < 0.8
            flagged = rng.random() < (0.01 if is_right else 0.2)
            answer = replace(
                ANSWER,
                answer_id=f"{day}-{number}",
                topic=rng.choice(("hr", "it", "it", "it", "travel")),
                scores={"answerable": rng.uniform(0.7, 1) if is_right else rng.uniform(0.5, 0.8)},
                flags=(Flag.THUMB_DOWN,) if flagged else (),
            )
            past.wanted_ahead = 0.15 * (300 - number)
            drawn = sample.decide(answer, past, replace(PLAN, budget=budget), NOW)
            assert 0 < drawn.probability <= 1
            right += is_right
            answers[drawn.priority] += 1
            if drawn.chosen:
                chosen.append(LookedAt(drawn.probability, drawn.priority, float(is_right)))
        probabilities = [each.probability for each in chosen]
        total += weighted_total([1.0] * len(chosen), probabilities)
        correct += weighted_total([each.value for each in chosen], probabilities)
        of_all, of_correct = of_all + 300, of_correct + right
        estimate = share_correct(chosen, answers).estimate
        held += estimate.low <= right / 300 <= estimate.high
    spread = 0.04 if budget == 50 else 0.25  # three standard errors or more
    assert total / of_all == pytest.approx(1, abs=spread)
    assert correct / of_correct == pytest.approx(1, abs=spread)
    assert held / days >= 0.9
