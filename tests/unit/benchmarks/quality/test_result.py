"""What is kept of each question."""

import pytest

from benchmarks.quality.result import Row, contributions, figure_of, load, rows_of, save
from tests.unit.benchmarks.quality.results import result


def measured(id_: str, answerable: bool = True, **more: object) -> dict[str, object]:
    """As `workers.evaluation.measure` says it, without generation."""
    return {
        "id": id_,
        "answerable": answerable,
        "answers": ["EUR 40"] if answerable else [],
        "doc_ids": ["price"] if answerable else [],
        "retrieved": ["other", "price"],
        "probability": 0.123456,
        **more,
    }


def said(direct: str, outcome: str = "answered", **more: object) -> dict[str, object]:
    return {"outcome": outcome, "direct": direct, "correct": direct == "EUR 40", "f1": 2 / 3, **more}


def test_a_row_holds_what_its_question_has_a_say_in():
    searched, answered, refused = rows_of(
        [
            measured("searched"),
            measured("answered", **said("EUR 40")),
            measured("refused", answerable=False, **said("I don't know", "abstained", correct=False, f1=None)),
        ]
    )
    assert searched == Row("searched", True, 0.1235, 0.5)
    assert answered == Row("answered", True, 0.1235, 0.5, True, True, 0.6667, 1.0)
    assert refused == Row("refused", False, 0.1235, None, False)


def test_two_questions_of_one_name_cannot_be_paired():
    with pytest.raises(ValueError, match="same id"):
        rows_of([measured("a"), measured("a")])


def test_figures_by_hand():
    rows = result(wrong=range(15), answered=range(5)).rows
    assert figure_of(rows, "correct") == 0.75  # 45 of 60
    assert figure_of(rows, "abstained_rightly") == 0.75  # 15 of 20
    assert figure_of(rows, "auroc") == 1.0
    ranked = [Row(str(rank), True, 0.5, 1 / rank if rank else 0.0) for rank in (1, 5, 6, 0)]
    assert figure_of(ranked, "recall@5") == 0.5
    assert figure_of(ranked, "mrr@10") == pytest.approx((1 + 1 / 5 + 1 / 6) / 4)


def test_a_figure_that_nobody_has_a_say_in_is_no_zero():
    rows = [Row("a", True, 0.5)]
    assert figure_of(rows, "rouge_l") is None
    assert figure_of(rows, "auroc") is None
    assert contributions(rows, "correct") == {}


def test_what_is_saved_is_read_again_and_has_a_line_for_each_question(tmp_path):
    file = tmp_path / "results" / "quality.json"
    results = {"sample": result(wrong=[3]), "slice": result(n=2)}
    save(file, results)
    assert load(file) == results
    assert sum(line.startswith('{"id"') for line in file.read_text().splitlines()) == 60 + 20 + 2 + 20


def test_nothing_was_accepted_yet(tmp_path):
    assert load(tmp_path / "quality.json") == {}
