"""What several judgements of one answer come to."""

from datetime import UTC, datetime, timedelta

import pytest

from answerloop.auditing import Grounded, Origin, Verdict
from review.verdicts import Rating, Said, Standing, agreement, outcome

START = datetime(2026, 5, 4, 9, tzinfo=UTC)
CORRECT, PARTIAL, WRONG, UNSAFE = Verdict.CORRECT, Verdict.PARTIAL, Verdict.WRONG, Verdict.UNSAFE


def said(reviewer, verdict=WRONG, minute=0, origin=Origin.LABEL_STUDIO, grounded=Grounded.GROUNDED, updated=None):
    at = START + timedelta(minutes=minute)
    return Said(reviewer, origin, verdict, grounded, at, START + timedelta(minutes=updated) if updated else at)


def of(*judgements, overlap=1, same=()):
    return outcome(judgements, overlap, lambda name: same[0] if name in same else name)


def test_an_answer_that_nobody_has_judged_is_open():
    assert of().standing is Standing.OPEN


def test_an_answer_is_open_until_as_many_people_as_wanted_have_judged_it():
    assert of(said("ann"), overlap=2).standing is Standing.OPEN
    assert of(said("ann"), said("bob"), overlap=2).standing is Standing.AGREED


def test_one_human_under_two_names_counts_once():
    assert of(said("ann"), said("ann@work"), overlap=2, same=("ann", "ann@work")).standing is Standing.OPEN


def test_the_latest_word_of_a_person_counts():
    found = of(said("ann", WRONG, 0), said("ann", CORRECT, 1, Origin.PAGE))
    assert (found.standing, found.verdict) == (Standing.AGREED, CORRECT)


def test_people_who_say_different_things_are_in_conflict_also_where_one_would_have_been_enough():
    assert of(said("ann", WRONG), said("bob", PARTIAL, 1)).standing is Standing.CONFLICT
    assert of(said("ann", WRONG), said("bob", PARTIAL, 1)).verdict is None


def test_somebody_else_decides_a_conflict_on_the_page():
    found = of(said("ann", WRONG), said("bob", CORRECT, 1), said("cat", WRONG, 2, Origin.PAGE), overlap=2)
    assert (found.standing, found.verdict) == (Standing.DECIDED, WRONG)
    assert [each.reviewer for each in found.behind] == ["cat", "ann"]


def test_a_third_voice_in_the_queue_decides_nothing():
    assert of(said("ann", WRONG), said("bob", CORRECT, 1), said("cat", WRONG, 2)).standing is Standing.CONFLICT


def test_nobody_decides_their_own_conflict():
    dispute = (said("ann", WRONG), said("bob", CORRECT, 1))
    assert of(*dispute, said("ann", WRONG, 2, Origin.PAGE)).standing is Standing.CONFLICT


def test_a_verdict_on_the_page_before_the_conflict_is_one_side_of_it():
    assert of(said("ann", WRONG, 0, Origin.PAGE), said("bob", CORRECT, 1)).standing is Standing.CONFLICT
    assert of(said("ann", WRONG), said("bob", CORRECT, 1, Origin.PAGE)).standing is Standing.CONFLICT


def test_who_comes_round_ends_the_conflict():
    found = of(said("ann", WRONG), said("bob", WRONG, 1, updated=9), overlap=2)
    assert found.standing is Standing.AGREED


def test_the_latest_of_two_deciders_decides():
    dispute = (said("ann", WRONG), said("bob", CORRECT, 1))
    found = of(*dispute, said("cat", WRONG, 2, Origin.PAGE), said("dan", PARTIAL, 3, Origin.PAGE))
    assert found.verdict is PARTIAL


def test_the_most_cautious_view_of_the_sources_counts():
    found = of(said("ann"), said("bob", grounded=Grounded.NOT), overlap=2)
    assert found.grounded is Grounded.NOT


# --- agreement


def rated(**verdicts):
    """By reviewer: one verdict for each audit, in order; None where they did not judge."""
    return [
        Rating(f"audit {number}", name, "hr" if number < 2 else "it", verdict)
        for name, given in verdicts.items()
        for number, verdict in enumerate(given)
        if verdict
    ]


def test_perfect_agreement_is_one():
    report = agreement(rated(ann=[CORRECT, WRONG, CORRECT], bob=[CORRECT, WRONG, CORRECT]))
    assert report.everybody is not None
    assert report.everybody.beyond_chance == 1.0
    assert report.by_pair["ann", "bob"].beyond_chance == 1.0
    assert report.by_reviewer["ann"].same == 1.0
    assert report.by_pair["ann", "bob"].compared == 3


def test_kappa_is_what_one_computes_by_hand():
    # both said "correct" 2 times of 4 and agree on 3 of 4: (0.75 - 0.5) / (1 - 0.5)
    report = agreement(rated(ann=[CORRECT, CORRECT, WRONG, WRONG], bob=[CORRECT, WRONG, WRONG, CORRECT]))
    assert report.by_pair["ann", "bob"].beyond_chance == pytest.approx(0.0)
    report = agreement(rated(ann=[CORRECT, CORRECT, WRONG, WRONG], bob=[CORRECT, WRONG, WRONG, WRONG]))
    assert report.by_pair["ann", "bob"].beyond_chance == pytest.approx(0.5)


def test_alpha_is_what_one_computes_by_hand():
    # of 8 values 3 are "correct": D_o = 2/8, D_e = 2·3·5/(8·7), alpha = 1 - D_o/D_e = 0.5333…
    report = agreement(rated(ann=[CORRECT, CORRECT, WRONG, WRONG], bob=[CORRECT, WRONG, WRONG, WRONG]))
    assert report.everybody is not None
    assert report.everybody.beyond_chance == pytest.approx(1 - (2 / 8) / (30 / 56))


def test_agreement_is_told_for_each_type_of_question():
    report = agreement(rated(ann=[CORRECT, WRONG, CORRECT, WRONG], bob=[CORRECT, WRONG, WRONG, CORRECT]))
    assert report.by_question_type["hr"].same == 1.0
    assert report.by_question_type["it"].same == 0.0
    assert (report.by_question_type["it"].beyond_chance or 0) < 0


def test_an_answer_that_one_person_judged_tells_nothing():
    report = agreement(rated(ann=[CORRECT, WRONG], bob=[None, WRONG]))
    assert report.by_reviewer["ann"].compared == 1
    assert agreement(rated(ann=[CORRECT])).everybody is None


def test_where_everybody_always_says_the_same_chance_cannot_be_told_apart():
    report = agreement(rated(ann=[CORRECT, CORRECT], bob=[CORRECT, CORRECT]))
    assert report.everybody is not None
    assert (report.everybody.same, report.everybody.beyond_chance) == (1.0, None)
    assert report.by_pair["ann", "bob"].beyond_chance is None


def test_three_reviewers_are_compared_pair_by_pair():
    report = agreement(rated(ann=[CORRECT, WRONG], bob=[CORRECT, WRONG], cat=[WRONG, CORRECT]))
    assert set(report.by_pair) == {("ann", "bob"), ("ann", "cat"), ("bob", "cat")}
    assert report.by_reviewer["ann"].same == 0.5
    assert report.by_reviewer["cat"].same == 0.0
