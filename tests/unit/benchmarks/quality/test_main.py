"""The command: what it compares with, what it says, and its exit code."""

import json
from dataclasses import replace

import pytest

from benchmarks.quality.__main__ import main
from benchmarks.quality.result import load, save
from benchmarks.quality.sets import BARS, SLICE
from tests.unit.benchmarks.quality.results import result


@pytest.fixture
def accepted(tmp_path):
    return tmp_path / "quality.json"


def run(accepted, now, *more: str) -> int:
    return main([*(more or ("--slice",)), "--accepted", str(accepted)], measure=lambda name, data, limit: now)


def test_without_an_accepted_result_it_says_so_and_measures_nothing(accepted, capsys):
    def never(name, data, limit):
        pytest.fail("there was nothing to compare with")

    assert main(["--slice", "--accepted", str(accepted)], measure=never) == 2
    assert "nothing to compare with" in capsys.readouterr().out
    assert not accepted.exists()


def test_accepting_writes_what_the_next_run_is_compared_with(accepted):
    assert run(accepted, result(), "--slice", "--accept") == 0
    assert load(accepted) == {SLICE: result()}
    assert run(accepted, result()) == 0


def test_a_planted_drop_fails_and_is_named(accepted, capsys):
    save(accepted, {SLICE: result()})
    assert run(accepted, result(wrong=range(12))) == 1
    assert "Worse, and not by chance: slice correct, slice f1." in capsys.readouterr().out
    assert load(accepted) == {SLICE: result()}, "a run that was not accepted changes nothing"


def test_noise_passes(accepted, capsys):
    save(accepted, {SLICE: result(wrong=range(4))})
    assert run(accepted, result(wrong=range(20, 25))) == 0
    assert "No figure got worse beyond noise." in capsys.readouterr().out


def test_a_drop_can_be_accepted_and_the_other_sets_stay(accepted):
    save(accepted, {"sample": result(n=3), SLICE: result()})
    assert run(accepted, result(wrong=range(12)), "--slice", "--accept") == 0
    assert load(accepted) == {"sample": result(n=3), SLICE: result(wrong=range(12))}


def test_questions_without_a_partner_are_counted_and_named(accepted, capsys):
    save(accepted, {SLICE: result(n=60)})
    assert run(accepted, result(n=52)) == 0
    assert (
        "slice correct: 8 questions only in the accepted result: a52, a53, a54, a55, a56 …" in capsys.readouterr().out
    )


def test_another_model_is_mentioned(accepted, capsys):
    save(accepted, {SLICE: result()})
    run(accepted, result(model="huge"))
    assert "slice: model was tiny, is huge" in capsys.readouterr().out


def test_the_report_holds_figures_bars_and_changes(accepted, tmp_path):
    save(accepted, {"sample": result()})
    target = tmp_path / "report.json"
    run(accepted, result(answered=range(10)), "--set", "sample", "--json", str(target))
    report = json.loads(target.read_text())
    assert report["figures"]["sample_abstained_rightly"] == 0.5
    assert report["bars"]["sample_abstained_rightly"] == {"value": 0.5, "bar": 0.9, "holds": False}
    assert report["bars"].keys() == {key for key in BARS if key.startswith("sample_")}
    assert {change["figure"]: change["verdict"] for change in report["changes"]}["abstained_rightly"] == "worse"


def test_a_set_that_lost_its_unanswerable_questions_passes_no_bar(accepted):
    save(accepted, {"sample": result()})
    answerable = replace(result(), rows=result().rows[:60])
    with pytest.raises(KeyError, match="sample_abstained_rightly"):
        run(accepted, answerable, "--set", "sample")
    assert run(accepted, answerable, "--set", "sample", "--limit", "60") == 2, "and no comparison"


@pytest.mark.parametrize("arguments", [["--slice", "--accept", "--limit", "3"], ["--set", "policyqa"], []])
def test_half_an_order_is_refused(arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments, measure=lambda name, data, limit: result())
    assert ended.value.code == 2
