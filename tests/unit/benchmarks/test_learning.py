"""What is asked must not have been learned."""

from pathlib import Path

import numpy as np

from benchmarks.learning.course import SETS, Correction, Course, course, read_corrections, without_asked
from workers.evaluation.questions import read_questions

SAMPLES = Path("samples")


class Unalike:
    """Every text has a direction of its own, so that words alone make two questions the same."""

    def embed(self, texts):
        return np.eye(len(texts), dtype=np.float32)


def sample_course(share=0.4):
    rows = read_questions(SAMPLES / SETS["sample"].questions, "default")
    return course(rows, read_corrections(SAMPLES / "corrections.jsonl"), share)


def test_no_correction_is_of_a_document_that_is_kept_for_the_test():
    planned = sample_course()
    kept = {name for row in planned.asked["unseen"] for name in row.doc_ids}
    assert kept
    assert not kept & {name for each in planned.pool for name in each.documents}


def test_the_sample_has_as_many_corrections_as_the_issue_asks_for_and_questions_of_every_kind():
    planned = sample_course()
    assert len(planned.pool) >= 150
    assert all(len(rows) >= 30 for rows in planned.asked.values())


def test_without_corrections_of_its_own_a_set_is_halved_by_document_and_no_question_is_on_both_sides():
    rows = read_questions(SAMPLES / SETS["sample"].questions, "default")
    planned = course(rows, None, 0.5)
    asked = {row.id for of in planned.asked.values() for row in of}
    assert planned.pool
    assert not asked & {each.id for each in planned.pool}


def test_a_correction_that_means_the_same_as_a_question_asked_is_not_learned():
    planned = sample_course()
    asked = planned.asked["seen"][0].question
    twin, other = Correction("twin", asked, "yes", ()), Correction("other", "Who waters the plants?", "Flora", ())
    assert without_asked(Course((twin, other), planned.asked), Unalike()) == (other,)
