from __future__ import annotations

import pytest

from answerloop.db.repositories import objectives
from answerloop.db.session import Database
from answerloop.settings import Settings
from review.dashboard import charts
from review.dashboard.overview import Figures
from review.dashboard.render import duration
from tests.unit.review.dashboard.page_kit import PageKit, text_of


def test_the_overview_shows_each_figure_with_what_is_assumed(kit: PageKit):
    shown = text_of(kit.client("olga").get("/").text)
    for words in ("Resolved without a person", "Correct, as audited", "Cost per answer", "0.25 an hour assumed",
                  "Krippendorff", "served 214 times", "No adapter was trained yet", "bicycle parking"):  # fmt: skip
        assert words in shown


@pytest.mark.parametrize("days", ["7", "30", "90", "5", "1000000"])
def test_any_period_shows_a_page(kit: PageKit, days: str):
    assert kit.client("olga").get(f"/?days={days}").status_code == 200


def test_an_installation_without_a_past_has_pages_too(database: Database, tmp_path):
    shown = Figures(database, Settings(_env_file=None, home=tmp_path)).overview(30)
    assert (shown.value.questions, shown.value.share, shown.correct, shown.objective) == (0, None, None, None)


def test_curated_answers_of_documents_that_one_may_not_read_are_not_quoted(kit: PageKit):
    from answerloop.db.audit_tables import CorrectionRow

    with kit.database.writing() as session:
        for row in session.query(CorrectionRow):
            row.documents = ["0" * 32]
    assert "None that you may read was served yet" in text_of(kit.client("olga").get("/").text)


# --- objective and alarms --------------------------------------------------------------------------------------------


def test_the_objective_that_was_written_last_counts(kit: PageKit):
    client = kit.client("olga")
    sent = {"text": "Resolve <b>half</b> of IT.", "resolved_share": "50", "median_seconds": "", "topic": "it"}
    assert client.post("/objective", data=sent).status_code == 303
    with kit.database.reading() as session:
        latest, before = objectives.latest(session, "default", 5)
    assert (latest.resolved_share, latest.median_seconds, latest.topic, latest.set_by) == (0.5, None, "it", "olga")
    assert before.resolved_share == 0.75
    html = client.get("/objective").text
    assert "Resolve &lt;b&gt;half&lt;/b&gt; of IT." in html


@pytest.mark.parametrize(
    "change", [{"text": ""}, {"resolved_share": "101"}, {"resolved_share": "x"}, {"resolved_share": ""},
               {"median_seconds": "0"}, {"median_seconds": "nan"}, {"topic": "unheard of"}],
)  # fmt: skip
def test_an_objective_without_sense_is_refused(kit: PageKit, change: dict[str, str]):
    sent = {"text": "Resolve half.", "resolved_share": "50", "median_seconds": "10", "topic": "", **change}
    assert kit.client("olga").post("/objective", data=sent).status_code == 422


def test_reviewers_set_no_objective(kit: PageKit):
    assert kit.client("rita").post("/objective", data={"text": "x", "resolved_share": "1"}).status_code == 403


def test_an_alarm_is_cleared_by_name(kit: PageKit):
    client = kit.client("olga")
    assert client.post("/alarms", data={"key": "burst:made-up"}).status_code == 303
    assert "by olga" in text_of(client.get("/alarms").text)
    assert "alarm-strip" not in client.get("/").text


def test_gaps_are_exported(kit: PageKit):
    answer = kit.client("olga").get("/gaps/latest.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeffdocument to write,")
    assert "Where can I park my bicycle?" in answer.text
    assert kit.client("olga").get("/gaps/unheard.csv").status_code == 404


# --- charts ----------------------------------------------------------------------------------------------------------


def test_bars_stand_on_each_other_and_fill_the_scale():
    chart = charts.stacked(["1 Mar", "2 Mar"], [{"a": 3, "b": 1}, {}], ("a", "b"))
    below, above = chart.bars[0].parts
    assert chart.ticks == ("4", "2", "0")
    assert (below.y, below.height) == (25.0, 75.0)
    assert (above.y, above.height) == (0.0, 25.0)
    assert chart.bars[0].title == "1 Mar: 3 a, 1 b"
    assert chart.bars[1].parts == ()


def test_a_line_leaves_out_what_is_not_known():
    chart = charts.shares([charts.Point("a", 0.5, 0.25, 0.75), charts.Point("b", None), charts.Point("c", 1.0, 0.5, 1)])
    assert chart.line == "M0.00 50.00L100.00 0.00"
    assert chart.band == "M0.00 25.00L100.00 0.00L100.00 50.00L0.00 75.00Z"


@pytest.mark.parametrize(("most", "top"), [(0, 4), (4, 4), (5, 6), (11, 20), (41, 60), (100, 100), (101, 200)])
def test_scales_end_at_round_numbers(most: int, top: int):
    assert charts.nice_top(most) == top


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.014, "14 ms"),
        (1.04, "1.0 s"),
        (61, "61 s"),
        (600, "10 min"),
        (14_400, "4 h"),
        (172_800, "2 days"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float | None, said: str):
    assert duration(seconds) == said
