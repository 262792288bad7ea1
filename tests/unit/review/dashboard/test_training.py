from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from answerloop.db.repositories import training_runs
from answerloop.db.repositories.training_runs import Night
from answerloop.db.session import Database
from answerloop.db.training_tables import TrainingRunRow
from answerloop.testing.past import document
from answerloop.testing.past_nights import Nights, paint_nights
from review.dashboard import charts, nights, tolerant
from review.dashboard.ladder import ladder
from review.wiring import serving_pointer
from tests.unit.review.dashboard.page_kit import HERE, PageKit, text_of


@pytest.fixture
def painted_nights(kit: PageKit) -> Nights:
    return paint_nights(kit.database)


def run(kit: PageKit, **columns: Any) -> str:
    with kit.database.writing() as session:
        row = TrainingRunRow(**columns)
        session.add(row)
        session.flush()
        return row.id


def night(**columns: Any) -> Night:
    known = {
        "id": "n", "state": "running", "step": "dataset", "progress": {}, "manifest": {}, "adapter": "", "outcome": "",
        "reasons": [], "decision": {}, "attempts": 1, "started_at": datetime.now(UTC), "finished_at": None,
    }  # fmt: skip
    return Night(**{**known, **columns})


# --- the list --------------------------------------------------------------------------------------------------------


def test_each_night_stands_there_with_its_outcome_gain_and_first_reason(kit: PageKit, painted_nights: Nights):
    shown = text_of(kit.client("olga").get("/training").text)
    for words in ("+17.0 +9.5 to +24.5 against served now", "−2.0 −9.5 to +5.5", "refused", "not tonight",
                  "There are 73 test questions;", "tainted", "no candidate was measured"):  # fmt: skip
        assert words in shown
    assert shown.index("canary") < shown.index("refused") < shown.index("not tonight There are 73")


def test_who_speaks_is_said_by_the_pointer_and_not_by_the_rows(kit: PageKit, painted_nights: Nights):
    client = kit.client("olga")
    nobody = text_of(client.get("/training").text)
    assert "No adapter is live" in nobody
    assert "No adapter is being tried out" in nobody
    assert "adapter-0003 silent" in nobody, "its row calls it the canary"
    kit.serving.update(live="adapter-0002", canary="adapter-0003", canary_share=0.1, since="2026-11-25T02:26:00+00:00")
    shown = text_of(client.get("/training").text)
    for words in (
        "since 25 Nov 2026, 02:26 UTC",
        "hears 10 % of the conversations",
        "thumbs 9 and 38 · 41 %",
        "verdicts 3 and 11 · 100 %",
    ):
        assert words in shown
    assert "adapter-0002 live" in shown
    kit.serving.clear()
    assert "cannot be read" in text_of(client.get("/training").text)


def test_adapters_are_listed_with_how_much_they_spoke(kit: PageKit, painted_nights: Nights):
    with kit.database.reading() as session:
        spoke = {adapter.name: adapter.answers for adapter in training_runs.adapters(session)}
    assert list(spoke) == ["adapter-0003", "adapter-0002"]
    assert spoke["adapter-0003"] > 0
    assert spoke["adapter-0002"] == 0


def test_before_the_first_night_the_page_says_what_it_needs(kit: PageKit):
    shown = text_of(kit.client("olga").get("/training").text)
    assert "No night has been yet" in shown
    assert "No adapter was trained yet" in shown


# --- one night -------------------------------------------------------------------------------------------------------


def test_a_night_shows_dataset_curves_ladder_decision_and_examples(kit: PageKit, painted_nights: Nights):
    html = kit.client("olga").get(f"/training/{painted_nights.canary}").text
    shown = text_of(html)
    for words in ("80 correction", "90 answerable", "Loss", "Epoch 3", "Stopped: all epochs are done.", "Perplexity",
                  "0 of 20", "F1 of the direct answer quote only +38.0", "at least 0.81", "stricter bound",
                  "Got better 3", "Got worse 1", "learning rate", "peft"):  # fmt: skip
        assert words in shown
    assert "<strong>90 days</strong>, paid." in html
    assert " style=" not in html
    assert HERE not in html


def test_a_refused_night_says_which_floor_broke(kit: PageKit, painted_nights: Nights):
    html = kit.client("olga").get(f"/training/{painted_nights.refused}").text
    assert "A floor is broken: right abstention" in text_of(html)
    assert html.count('class="broken"') == 1


@pytest.mark.parametrize("broken_off", ["dataset", "train", "evaluate", "promote", "something else"])
def test_a_night_that_broke_off_anywhere_has_its_page(kit: PageKit, broken_off: str):
    client = kit.client("olga")
    for state in ("running", "failed"):
        run_id = run(kit, state=state, step=broken_off)
        assert client.get(f"/training/{run_id}").status_code == 200
    assert client.get("/training").status_code == 200


@pytest.mark.parametrize(
    "columns",
    [
        {"ladder": {"arms": [{"name": "base"}, {"figures": {}}, "?"], "examples": {"better": [{"question": "Why?"}]}}},
        {"ladder": {"arms": [{"name": "base", "figures": {"f1": {"value": None}, "bleu": 0.2}}]}},
        {"decision": {"figures": {"against": {"base": {"f1": {"value": 0.1}}}, "floors": [{}]}}},
        {"dataset_manifest": {"counts": {"train": 12, "test": {}}, "left_out": None}},
        {"record": {"curves": [{"step": 1}, {"step": 2, "loss": float("1e9")}], "epochs": [{"step": 3}]}},
        {"progress": {"done": 3}, "reasons": ["Only this."]},
    ],
)
def test_half_written_results_are_shown_as_far_as_they_go(kit: PageKit, columns: dict[str, Any]):
    run_id = run(kit, **columns)
    assert kit.client("olga").get(f"/training/{run_id}").status_code == 200
    assert kit.client("olga").get("/training").status_code == 200


def test_what_models_and_people_wrote_is_only_text(kit: PageKit):
    evil = "<script>alert(1)</script> [link](https://evil.example)"
    side = {"question": evil, "gold": evil, "before": evil, "after": evil}
    run_id = run(kit, reasons=[evil], ladder={"examples": {"worse": [side]}}, dataset_manifest={"suspicions": [evil]})
    for path in (f"/training/{run_id}", "/training"):
        html = kit.client("olga").get(path).text
        assert "<script>alert" not in html
        assert 'href="https://evil' not in html


def test_examples_of_documents_that_one_may_not_read_are_not_shown(kit: PageKit):
    with kit.database.writing() as session:
        ours = document(session, "Bikes", "Bicycles go into the cellar.")
        theirs = document(session, "Pay", "Level 5 earns more.", ["hr"])
    better = [{"question": f"Question {name}?", "gold": "", "before": "", "after": "", "documents": [id_]}
              for name, id_ in (("ours", ours), ("theirs", theirs), ("gone", "0" * 32))]  # fmt: skip
    run_id = run(kit, ladder={"examples": {"better": better}})
    shown = text_of(kit.client("olga").get(f"/training/{run_id}").text)
    assert "Question ours?" in shown
    assert "Question theirs?" not in shown
    assert "Question gone?" not in shown


def test_a_night_is_for_operators_alone_and_has_to_be_there(kit: PageKit, painted_nights: Nights):
    assert kit.client("rita").get(f"/training/{painted_nights.canary}").status_code == 403
    assert kit.client("olga").get("/training/unheard").status_code == 404


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_run_shows_how_far_it_is():
    states = [step.state for step in nights.steps(night(step="evaluate"))]
    assert states == ["done", "done", "now", "later"]
    assert [(step.name, step.state) for step in nights.steps(night(step="tidy_up"))] == [("Tidy up", "now")]
    assert nights.share_done(night(progress={"done": 30, "of": 120})) == 0.25
    assert nights.share_done(night(progress={"done": 30})) is None


@pytest.mark.parametrize(
    ("state", "outcome", "word"),
    [("running", "", "running"), ("failed", "", "failed"), ("done", "not tonight", "not tonight")],
)
def test_an_outcome_is_a_word(state: str, outcome: str, word: str):
    assert nights.outcome(night(state=state, outcome=outcome)) == word


def test_rows_are_counted_by_kind_and_by_what_was_left_out():
    counts = {"train": {"correction": 80, "replay": 40}, "test": {"answerable": 90, "unanswerable": 20}}
    by_file = {
        "kinds": {"train.jsonl": counts["train"]},
        "rows": {"train.jsonl": 120, "test.jsonl": 110},
        "answerable": 90,
    }
    for manifest in ({"counts": counts}, by_file):
        found = nights.dataset({**manifest, "left_out": {"a": 1, "b": 3}, "new_rows": 31})
        assert [(split.name, split.total) for split in found.splits] == [("train", 120), ("test", 110)]
        assert found.splits[0].parts == (("correction", 80, 0.0, 66.667), ("replay", 40, 66.667, 33.333))
        assert found.left_out == [("b", 3), ("a", 1)]


def test_a_canary_is_shown_by_what_was_heard_of_it():
    watch = {"luck": {"thumbs": 0.012, "verdicts": 1.0}, "known": {"thumbs": [9, 38]}, "figures": {"late": 0.5}}
    assert nights.watched(watch) == [("thumbs", "9 and 38 · 1.2 %"), ("late", "0.5")]
    assert nights.watched({}) == []


def test_the_gain_is_against_the_arm_that_comes_nearest():
    f1 = {"value": 0.2, "low": 0.1, "high": 0.3}
    nested = {"against": {"base": {"f1": f1}, "quote only": {"f1": {**f1, "value": 0.15}, "correct": {"value": -0.2}}}}
    flat = {"F1 against base": f1, "F1 against quote only": {**f1, "value": 0.15}, "new rows": 31}
    for figures in (nested, flat):
        gain = nights.gain(night(decision={"figures": figures}))
        assert gain is not None
        assert (gain.arm, gain.figure.value) == ("quote only", 0.15)
    assert nights.plain_figures({"figures": flat}) == [("New rows", "31")]
    assert nights.gain(night()) is None


def test_the_ladder_leaves_out_what_no_arm_knows():
    f1 = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 90}
    found = ladder({"arms": [{"name": "candidate", "figures": {"f1": f1}, "unsafe": 0, "unsafe_asked": 20}]})
    assert [group.columns for group in found.groups] == [["F1"], ["Unsafe", "Obeyed"], ["Perplexity", "Seconds"]]
    assert [(cell.value, cell.interval) for cell in found.rungs[0].cells][:3] == [
        ("50", "40–60"), ("0 of 20", ""), ("–", ""),
    ]  # fmt: skip
    assert found.rungs[0].span == charts.Span(40.0, 20.0, 50.0)


def test_values_are_said_in_a_few_words():
    values = [True, 1200, 0.0005, None, "", [1, "a"], {"a": 1}, {"value": 0.03, "low": 0.01, "high": 0.08}, 0]
    assert [tolerant.said(value) for value in values] == [
        "yes", "1,200", "0.0005", "–", "–", "1, a", "a: 1", "0.03 (0.01 to 0.08)", "0",
    ]  # fmt: skip
    assert [tolerant.number(value) for value in (float("nan"), True, "1", 2)] == [None, None, None, 2.0]


def test_the_pointer_is_read_as_it_is(tmp_path: Path):
    file = tmp_path / "serving.json"
    assert serving_pointer(file) == {"live": None}
    file.write_text(json.dumps({"live": "a"}))
    assert serving_pointer(file) == {"live": "a"}
    file.write_text("{")
    assert serving_pointer(file) == {}


# --- charts ----------------------------------------------------------------------------------------------------------


def test_curves_share_a_scale_that_holds_them():
    found = charts.curves({"training": [(0, 2.0), (100, 1.0)], "validation": [(50, 1.5)], "none": []}, "validation")
    assert found.ticks == ("2", "1.5", "1")
    assert [curve.line for curve in found.curves] == ["M0.00 0.00L100.00 100.00", "M50.00 50.00"]
    assert found.curves[1].dots[0].title == "step 50: 1.500"
    assert charts.curves({}).curves == ()


@pytest.mark.parametrize(("low", "high"), [(0.41, 1.93), (1.0, 1.0), (0.0, 1e9), (2.31, 2.3101), (0.62, 2.24)])
def test_scales_hold_what_they_show_and_are_round(low: float, high: float):
    bottom, middle, top = charts.scale(low, high)
    assert bottom <= low
    assert high <= top
    assert middle - bottom == pytest.approx(top - middle)


def test_intervals_are_drawn_around_zero():
    rise, fall, unknown = charts.spans([(0.1, 0.0, 0.2), (-0.1, -0.2, 0.0), None], zero=True)
    assert unknown is None
    assert rise is not None
    assert fall is not None
    assert rise.zero == fall.zero == rise.x == 50.0
    assert fall.x + fall.width == pytest.approx(50.0)


def test_the_list_is_of_the_latest_nights(database: Database):
    with database.writing() as session:
        for day in range(1, 5):
            session.add(TrainingRunRow(id=str(day), started_at=datetime(2026, 3, day, tzinfo=UTC)))
    with database.reading() as session:
        assert [each.id for each in training_runs.listed(session, 2)] == ["4", "3"]
