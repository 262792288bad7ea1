"""The sets and their bars."""

from pathlib import Path

import pytest

from answerloop.errors import GeneratorUnavailable
from benchmarks.quality.sets import BARS, SETS, medians, refuse_quotes_of_a_failed_model, sliced
from workers.evaluation import read_questions


def test_every_bar_is_of_a_set_and_one_of_its_figures():
    for key in BARS:
        name, _, figure = key.partition("_")
        assert figure in (*SETS[name].figures, "answer_p50_s", "first_text_p50_s")


def test_the_slice_is_always_the_same_and_holds_every_kind_of_question():
    rows = read_questions(Path("samples/questions.jsonl"), "default")
    kinds = [{row.id.split("-")[0] for row in some} for some in (rows, sliced(rows))]
    assert kinds[0] == kinds[1]
    assert sliced(rows) == sliced(list(rows))
    assert len(sliced(rows)) < len(rows) / 2
    assert [row for row in sliced(rows) if not row.answerable] == [row for row in rows if not row.answerable]


def test_a_quote_in_place_of_a_failed_model_is_no_measurement():
    spoken = {"id": "a", "model": "tiny", "reason": ""}
    refuse_quotes_of_a_failed_model([spoken, {"id": "searched only"}, {"id": "refused", "model": "none"}])
    with pytest.raises(GeneratorUnavailable, match=r"b was answered by a quote.*GenerationTimedOut"):
        refuse_quotes_of_a_failed_model([spoken, {"id": "b", "model": "extractive", "reason": "GenerationTimedOut"}])


def test_times_are_those_of_answers_and_not_of_refusals():
    def timed(outcome: str, total_ms: float, first_ms: float) -> dict[str, object]:
        return {"outcome": outcome, "timings_ms": {"total": total_ms}, "first_text_ms": first_ms}

    rows = [timed("answered", 1000, 400), timed("answered", 3000, 600), timed("abstained", 10, 10)]
    assert medians(rows) == {"answer_p50_s": 2.0, "first_text_p50_s": 0.5}
    assert medians([{"id": "searched only"}]) == {}
