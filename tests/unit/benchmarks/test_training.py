import sys

import pytest

from answerloop.testing.installation import CHECKOUT
from benchmarks import training
from workers.answering import prompt


def test_the_rows_are_questions_of_the_sample_in_the_prompt_of_serving() -> None:
    rows = training.rows_of(CHECKOUT / "samples", 150)
    assert len({row.id for row in rows}) == 150
    assert {row.messages[0].content for row in rows} == {prompt.SYSTEM}
    assert all(row.messages[1].content.startswith("Evidence:\n[1] ") for row in rows)
    assert all(row.messages[1].content.endswith("\nAnswer:") and row.completion for row in rows)


def test_we_are_compared_with_the_faster_of_the_two() -> None:
    ours = {"tokens": 100.0, "tokens_per_s": 30.0, "peak_gb": 2.0, "cpu_seconds": 8.0}
    slow = {"tokens": 100.0, "tokens_per_s": 10.0, "peak_gb": 1.0, "cpu_seconds": 20.0}
    fast = {"tokens": 100.0, "tokens_per_s": 20.0, "peak_gb": 4.0, "cpu_seconds": 10.0}
    expected = {"tokens_per_s_ratio": 1.5, "peak_memory_ratio": 0.5, "cpu_ratio": 1.25}
    assert training._ratios({"ours": ours, "trl": slow, "trl packed": fast}) == expected
    assert training._ratios({"ours": ours, "trl": fast, "trl packed": slow}) == expected
    with pytest.raises(SystemExit, match="not train the same tokens"):
        training._ratios({"ours": {**ours, "tokens": 99.0}, "trl": slow, "trl packed": fast})


def test_without_trl_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["training"])
    with pytest.raises(SystemExit, match=r"(?s)Skipped: TRL is not installed.*pip install --no-deps"):
        training.main()
