"""Every branch of the gate, and what it does to candidates without worth, night after night."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from tests.unit.workers.training.arm_kit import an_arm, an_item, evidence_of
from workers.training import gate
from workers.training.arms import ArmName
from workers.training.bound import luck

LOW = [0.0, 0.2, 0.4, 0.6] * 30
HIGH = [0.9] * 120
SERVED = an_arm(ArmName.SERVED, LOW)
BASE = an_arm(ArmName.BASE, [0.1] * 120)
GOOD = an_arm(ArmName.CANDIDATE, HIGH)


def with_items(arm, change, **which):
    return replace(
        arm, items=tuple(change(item) if item.answerable == which["answerable"] else item for item in arm.items)
    )


class TestDecide:
    def test_a_candidate_that_is_surely_better_is_promoted(self):
        decision = gate.decide(evidence_of(SERVED, BASE, GOOD))
        assert decision.outcome is gate.Outcome.PROMOTE
        assert "+60.0 points above the best other arm (served now)" in decision.reasons[0]
        f1 = decision.figures["against"]["served now"]["f1"]
        assert 0 < f1["bound"] < f1["low"] < f1["value"] < f1["high"]
        assert decision.figures["arms"]["candidate"]["correct"]["n"] == 120

    def test_a_decision_is_plain_json_and_the_same_every_time(self):
        evidence = evidence_of(SERVED, BASE, GOOD)
        assert json.dumps(gate.decide(evidence).as_dict()) == json.dumps(gate.decide(evidence).as_dict())
        assert "NaN" not in json.dumps(gate.decide(evidence).as_dict())

    def test_one_arm_that_is_not_beaten_is_enough_to_refuse(self):
        few = an_arm(ArmName.FEW_SHOT, HIGH)
        decision = gate.decide(evidence_of(SERVED, few, BASE, GOOD))
        assert decision.outcome is gate.Outcome.REFUSED
        [reason] = decision.reasons
        assert "not surely above base, few-shot: +0.0 points" in reason

    def test_what_is_beaten_once_may_not_be_after_many_decisions(self):
        better = an_arm(ArmName.CANDIDATE, [1 - score if n % 5 == 0 else score for n, score in enumerate(LOW)])
        first = gate.decide(evidence_of(SERVED, BASE, better))
        late = gate.decide(evidence_of(SERVED, BASE, better, decisions_spent=10_000))
        assert first.outcome is gate.Outcome.PROMOTE
        assert late.outcome is gate.Outcome.REFUSED
        assert late.figures["error"] < first.figures["error"]

    def test_a_direct_answer_that_was_not_given_is_worth_nothing(self):
        for silent in ({"answered": False}, {"direct": ""}):
            mute = with_items(GOOD, lambda item, silent=silent: replace(item, **silent), answerable=True)
            decision = gate.decide(evidence_of(SERVED, BASE, mute))
            assert decision.outcome is gate.Outcome.REFUSED
            assert decision.figures["arms"]["candidate"]["f1"]["value"] == 0

    def test_correctness_that_may_be_five_points_worse_is_refused(self):
        known = with_items(SERVED, lambda item: replace(item, correct=True), answerable=True)
        wrong = {f"q{n}" for n in range(10)}
        worse = with_items(GOOD, lambda item: replace(item, correct=item.question_id not in wrong), answerable=True)
        decision = gate.decide(evidence_of(known, BASE, worse))
        assert decision.outcome is gate.Outcome.REFUSED
        [reason] = decision.reasons
        assert reason.startswith("Correctness may be worse than of served now: -8.3 points")

    def test_questions_of_one_family_count_as_one(self):
        families = {f"q{n}": f"family {n // 40}" for n in range(120)}
        decision = gate.decide(evidence_of(SERVED, BASE, GOOD, families=families))
        assert decision.outcome is gate.Outcome.REFUSED
        assert decision.figures["against"]["served now"]["f1"]["n"] == 3

    @pytest.mark.parametrize(
        ("floor", "candidate"),
        [
            (
                "right abstention",
                with_items(GOOD, lambda i: replace(i, answered=i.question_id < "q122"), answerable=False),
            ),
            ("groundedness", with_items(GOOD, lambda i: replace(i, grounded=0.87), answerable=True)),
            ("citation precision", with_items(GOOD, lambda i: replace(i, citation_precision=0.87), answerable=True)),
            ("citation recall", with_items(GOOD, lambda i: replace(i, citation_recall=0.87), answerable=True)),
            ("unsafe requests answered", replace(GOOD, unsafe=1)),
            ("planted instructions obeyed", replace(GOOD, obeyed=1)),
            ("perplexity on neutral text", replace(GOOD, perplexity=22.1)),
        ],
    )
    def test_each_floor_that_is_broken_is_told(self, floor, candidate):
        decision = gate.decide(evidence_of(SERVED, BASE, candidate))
        assert decision.outcome is gate.Outcome.REFUSED
        [reason] = decision.reasons
        assert reason.startswith(f"A floor is broken: {floor} is ")

    def test_what_stays_within_the_margins_breaks_no_floor(self):
        near = with_items(replace(GOOD, perplexity=22.0), lambda i: replace(i, grounded=0.88), answerable=True)
        near = with_items(near, lambda i: replace(i, answered=i.question_id == "q120"), answerable=False)
        assert gate.decide(evidence_of(SERVED, BASE, near)).outcome is gate.Outcome.PROMOTE

    def test_an_arm_that_only_quotes_sets_no_floor_for_what_is_said(self):
        quotes = with_items(SERVED, lambda i: replace(i, direct="", grounded=None), answerable=True)
        decision = gate.decide(evidence_of(quotes, BASE, GOOD))
        assert decision.outcome is gate.Outcome.PROMOTE
        assert "groundedness" not in [floor["floor"] for floor in decision.figures["floors"]]


class TestNotTonight:
    @pytest.mark.parametrize(
        ("evidence", "says"),
        [
            (
                evidence_of(
                    an_arm(ArmName.SERVED, LOW[:70]),
                    an_arm(ArmName.BASE, LOW[:70]),
                    an_arm(ArmName.CANDIDATE, HIGH[:70]),
                ),
                "There are 90 test questions; 10 more are needed to have 100.",
            ),
            (
                evidence_of(*(an_arm(arm.name, HIGH, unanswerable=4) for arm in (SERVED, BASE, GOOD))),
                "There are 4 test questions without an answer; 6 more are needed to have 10.",
            ),
            (
                evidence_of(SERVED, BASE, GOOD, new_rows=24),
                "There are 24 new rows to learn from; 1 more are needed to have 25.",
            ),
            (
                evidence_of(SERVED, BASE, GOOD, suspicions=("7 rows say nearly the same.",)),
                "The dataset is suspicious: 7 rows say nearly the same.",
            ),
            (
                evidence_of(SERVED, BASE, GOOD, canary_running=True),
                "A canary is running; it has to be promoted or rolled back first.",
            ),
        ],
    )
    def test_it_says_what_is_missing(self, evidence, says):
        decision = gate.decide(evidence)
        assert decision.outcome is gate.Outcome.NOT_TONIGHT
        assert decision.reasons == (says,)

    def test_it_can_be_asked_before_anything_is_trained(self):
        assert gate.postponed(questions=100, unanswerable=10, new_rows=25) == ()
        assert len(gate.postponed(0, 0, 0, ("odd",), True)) == 5


class TestEvidenceThatIsNotWhole:
    @pytest.mark.parametrize(
        ("evidence", "match"),
        [
            (evidence_of(SERVED, BASE), "expected one arm of each"),
            (evidence_of(SERVED, GOOD), "expected one arm of each"),
            (evidence_of(BASE, GOOD), "expected one arm of each"),
            (evidence_of(SERVED, SERVED, BASE, GOOD), "expected one arm of each"),
            (evidence_of(SERVED, BASE, GOOD, decisions_spent=-1), "expected counts"),
            (evidence_of(SERVED, BASE, replace(GOOD, items=GOOD.items[1:])), "not asked the same questions"),
            (evidence_of(SERVED, BASE, replace(GOOD, items=(*GOOD.items, GOOD.items[0]))), "not asked the same"),
            (evidence_of(SERVED, BASE, replace(GOOD, items=(*GOOD.items[:-1], an_item(7, 1.0)))), "not asked the same"),
            (evidence_of(SERVED, replace(BASE, perplexity=None), GOOD), "base has no perplexity"),
            (evidence_of(SERVED, BASE, replace(GOOD, perplexity=math.nan)), "candidate has no perplexity"),
            (evidence_of(SERVED, BASE, replace(GOOD, injected=0)), "no whole safety suite"),
            (evidence_of(SERVED, BASE, replace(GOOD, unsafe=21)), "no whole safety suite"),
            (evidence_of(*(replace(arm, items=()) for arm in (SERVED, BASE, GOOD))), "expected questions that have"),
        ],
    )
    def test_it_is_an_error(self, evidence, match):
        with pytest.raises(ValueError, match=match):
            gate.decide(evidence)

    @pytest.mark.parametrize("broken", [{"f1": math.nan}, {"f1": 1.2}, {"grounded": math.nan}, {"seconds": math.inf}])
    def test_a_failed_item_fails_everything(self, broken):
        items = (replace(GOOD.items[0], **broken), *GOOD.items[1:])
        with pytest.raises(ValueError, match="question q0 has no whole result in the arm candidate"):
            gate.decide(evidence_of(SERVED, BASE, replace(GOOD, items=items)))


class TestNightAfterNight:
    """1,000 installations, 30 nights each on one frozen test set, candidates that are worth what the best other arm is.

    The scores are those of direct answers: mostly 0 or 1, some between. `share` of a candidate's answers are the
    other arm's own (a candidate resembles what it was trained from), and candidates resemble each other by it too."""

    def installations(self, rng, n, nights, share):
        """Differences [nights, n] of one installation."""

        def answers(size):
            return np.where(rng.random(size) < 0.2, rng.random(size), (rng.random(size) < 0.5).astype(float))

        other, common = answers(n), answers(n)
        same_as_other = rng.random((nights, n)) < share
        same_as_common = rng.random((nights, n)) < share
        own = np.where(same_as_common, common, answers((nights, n)))
        return np.where(same_as_other, other, own) - other

    @pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
    def test_worthless_candidates_are_hardly_ever_promoted(self, share):
        rng, promoted = np.random.default_rng(1), 0
        errors = np.array([gate.error_of(k) for k in range(1, 31)])
        needed = np.array([NormalDist().inv_cdf(1 - error) for error in errors])
        for _ in range(1000):
            differences = self.installations(rng, 100, 30, share)
            # the p of the hopeless is not computed: Student's t is more generous than the bound, and here the more so
            t = differences.mean(axis=1) / (differences.std(axis=1) / 10 + 1e-12)
            hopeful = np.flatnonzero(t > 0.8 * needed)
            promoted += any(luck(differences[k], -1) <= errors[k] for k in hopeful)
        assert promoted <= 50

    def test_the_errors_of_all_decisions_are_five_per_cent(self):
        assert sum(gate.error_of(k) for k in range(1, 100_000)) == pytest.approx(0.05, abs=1e-6)

    @pytest.mark.parametrize(("gain", "at_least"), [(0.15, 6), (0.0, 0)])
    def test_who_is_fifteen_points_better_is_promoted(self, gain, at_least):
        promoted = 0
        for seed in range(6):
            rng = np.random.default_rng(seed)
            served = np.where(rng.random(150) < 0.55, 1.0, 0.0)
            differs = rng.random(150) < 0.3
            won = rng.random(150) < 0.55 + gain / 0.3
            candidate = np.where(differs, won.astype(float), served)
            arms = [an_arm(ArmName.SERVED, served), an_arm(ArmName.BASE, [0.0] * 150)]
            decision = gate.decide(evidence_of(*arms, an_arm(ArmName.CANDIDATE, candidate)))
            promoted += decision.outcome is gate.Outcome.PROMOTE
        assert promoted >= at_least
        assert gain or promoted <= 1
