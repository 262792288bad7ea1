"""The order of the hits, from scores that are given."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from answerloop.domain import Hit
from answerloop.testing.port_suites import a_chunk, unit
from workers.answering.fuse import AS_GOOD, fold_duplicates, fuse, newer_first

OLD, NEW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def hit(document, bm25=1.0, vector=None, text="Some words.", modified_at=OLD):
    vector = unit(1) if vector is None else vector
    return Hit(replace(a_chunk(document, text, vector), modified_at=modified_at), bm25, float(vector @ unit(1)))


def order(ranked):
    return [hit.chunk.document_id for hit, _ in ranked]


def test_the_hit_that_is_best_on_every_leg_is_best():
    hits = [hit("middle", 2.0, unit(1, 0.5)), hit("best", 3.0, unit(1, 0.1)), hit("worst", 0.0, unit(0, 1))]
    scores = fuse(hits, unit(1))
    assert np.argsort(-scores).tolist() == [1, 0, 2]
    assert scores.min() >= 0
    assert scores.max() <= 1


@pytest.mark.parametrize("better", [hit("better", 5.0, unit(1)), hit("better", 1.0, unit(1, 0.1))])
def test_either_leg_alone_can_lift_a_hit(better):
    other = hit("other", 1.0, unit(1) if better.bm25 > 1 else unit(1, 0.9))
    scores = fuse([other, better], unit(1))
    assert scores[1] > scores[0]


def test_the_best_sentence_lifts_its_chunk():
    plain = hit("plain", 1.0, unit(1, 1))
    told = replace(plain, chunk=replace(plain.chunk, document_id="told", sentence_vectors=np.stack([unit(1)])))
    assert fuse([plain, told], unit(1))[1] > fuse([plain, plain], unit(1))[1]


def test_no_hits_have_no_scores():
    assert fuse([], unit(1)).shape == (0,)


def test_a_copy_is_folded_but_not_one_with_another_number():
    ranked = [(hit("a", text="90 days"), 0.9), (hit("copy", text="90 days"), 0.8), (hit("b", text="60 days"), 0.7)]
    assert order(fold_duplicates(ranked)) == ["a", "b"]


def test_of_two_editions_that_fit_alike_the_newer_goes_first():
    ranked = [(hit("old"), 0.9), (hit("new", modified_at=NEW), 0.9 - AS_GOOD / 2)]
    newer = newer_first(ranked)
    assert order(newer) == ["new", "old"]
    assert [score for _, score in newer] == [score for _, score in ranked]


@pytest.mark.parametrize(
    "other",
    [
        (hit("new", modified_at=NEW), 0.9 - AS_GOOD * 2),  # it fits worse
        (hit("new", modified_at=NEW, vector=unit(1, 1)), 0.9),  # it is about something else
        (hit("new", modified_at=None), 0.9),  # nobody knows when it was changed
    ],
)
def test_a_newer_date_is_no_more_than_a_tie_break(other):
    assert order(newer_first([(hit("old"), 0.9), other])) == ["old", "new"]
