from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from answerloop.auditing import AuditState, Verdict
from answerloop.db.repositories import gaps
from answerloop.db.repositories.gaps import Lack, Lacking
from answerloop.db.session import Database
from answerloop.domain import Action, Confidence, Outcome, Thumb
from answerloop.testing.fakes import FakeNotifier
from answerloop.testing.past import Happened, audit, document, happen, judge
from review.gaps import Gaps, as_csv, told, week_start
from review.themes import OTHER, clusters, themes

WEDNESDAY = datetime(2026, 3, 11, 15, 30, tzinfo=UTC)
LAST_WEEK = datetime(2026, 3, 4, 12, tzinfo=UTC)


def lacking(question: str, degrees: float | None, asker: str = "ada", **columns: object) -> Lacking:
    vector = None
    if degrees is not None:
        angle = math.radians(degrees)
        vector = np.array([math.cos(angle), math.sin(angle), 0.0], np.float32).tobytes()
    known = {"lack": Lack.UNANSWERED, "missing_documents": (), "nearest": "", "embedder": "e"}
    return Lacking(question, asker, question, vector=vector, **{**known, **columns})  # type: ignore[arg-type]


BICYCLES = [
    lacking("Where can I park my bicycle?", 0, "ada"),
    lacking("Is there bicycle parking?", 10, "bob"),
    lacking("May I park a bicycle in the cellar?", 20, "bob"),
]
PETS = [lacking("Who looks after my pet?", 90, "cem"), lacking("Is there a pet sitter?", 100, "dua")]


def test_questions_that_mean_the_same_are_one_theme_and_lonely_ones_come_together():
    found = themes([*BICYCLES, *PETS, lacking("Is it Friday?", 180), lacking("Without a vector?", None)])
    assert [(theme.questions, theme.people) for theme in found] == [(3, 2), (2, 2), (2, 1)]
    assert (found[0].name, found[1].name, found[2].name) == ("Bicycle, park", "Pet", OTHER)
    assert found[2].other


def test_how_far_apart_a_theme_may_be_is_measured_as_cosine_distance():
    at_60_degrees = [lacking("one", 0), lacking("two", 60)]  # distance 0.5
    assert [len(group) for group in clusters(at_60_degrees, apart=0.49)] == [1, 1]
    assert [len(group) for group in clusters(at_60_degrees, apart=0.51)] == [2]


def test_vectors_of_different_embedders_are_not_compared():
    assert len(clusters([lacking("one", 0), lacking("two", 0, embedder="f")])) == 2


def test_the_document_that_a_reviewer_named_names_the_theme_and_heads_the_list():
    named = lacking("May I take my pet along?", 270, missing_documents=("Pet policy",), lack=Lack.MISSING)
    found = themes([*BICYCLES, named])
    assert (found[0].name, found[0].named, found[0].questions) == ("Pet policy", True, 1)


def test_examples_are_different_and_those_with_a_placeholder_come_last():
    several = [
        lacking("Is <PERSON_1> in?", 0),
        lacking("Who is in the office?", 1),
        lacking("who is in the office?", 2),
    ]
    assert themes(several)[0].examples == ("Who is in the office?", "Is <PERSON_1> in?")


# --- what is looked at ---------------------------------------------------------------------------------------------


def test_only_masked_questions_that_lack_a_document_are_looked_at(database: Database):
    with database.writing() as session:
        for question, columns in (
            ("unanswered", {"outcome": Outcome.ABSTAINED}),
            ("uncertain", {"confidence": Confidence.UNCERTAIN}),
            ("disliked", {"thumb": Thumb.DOWN}),
            ("fine", {}),
            ("not masked", {"outcome": Outcome.ABSTAINED, "masked": False}),
            ("for a person", {"outcome": Outcome.ABSTAINED, "action": Action.REFUSED}),
            ("corrected", {"thumb": Thumb.DOWN, "correction_id": "c"}),
        ):
            happen(session, Happened(question, LAST_WEEK, **columns))
        _, answer = happen(session, Happened("named", LAST_WEEK))
        case = audit(session, answer, LAST_WEEK, AuditState.JUDGED)
        judge(session, case, "lena", Verdict.PARTIAL, LAST_WEEK, missing_document=" Pet  policy ")
    with database.reading() as session:
        found = gaps.lacking(session, "default", LAST_WEEK - timedelta(days=1), WEDNESDAY)
    assert {each.question: each.lack for each in found} == {
        "unanswered": Lack.UNANSWERED,
        "uncertain": Lack.UNCERTAIN,
        "disliked": Lack.THUMB_DOWN,
        "named": Lack.MISSING,
    }
    assert next(each for each in found if each.question == "named").missing_documents == ("Pet policy",)


def test_the_title_of_a_restricted_document_is_not_told(database: Database):
    with database.writing() as session:
        for title, groups in (("Salary bands", ("hr",)), ("Leave", ("everyone",))):
            near = document(session, title, "…", groups)
            happen(session, Happened(title, LAST_WEEK, outcome=Outcome.ABSTAINED, document_id=near, title=title))
    with database.reading() as session:
        found = gaps.lacking(session, "default", LAST_WEEK - timedelta(days=1), WEDNESDAY)
    assert {each.question: each.nearest for each in found} == {"Salary bands": "", "Leave": "Leave"}


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_week_is_reported_once_and_told_until_it_has_worked(database: Database):
    with database.writing() as session:
        for asker in ("ada", "bob"):
            happen(
                session,
                Happened("Where can I park?", LAST_WEEK, asker=asker, outcome=Outcome.ABSTAINED, vector=[1.0, 0.0]),
            )
    notifier = FakeNotifier()
    desk = Gaps(database, notifier, "default", clock=lambda: WEDNESDAY)
    desk.report_week()
    told_first = dict(notifier.reports)
    notifier.reports.clear()
    desk.report_week()
    assert notifier.reports == told_first
    assert list(told_first) == ["gaps:default:2026-03-09"]
    with database.reading() as session:
        [report] = gaps.reports(session, "default")
    assert (report.since, report.until) == (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    assert report.themes[0]["questions"] == 2


def test_a_week_without_gaps_has_a_report_and_tells_nobody(database: Database):
    notifier = FakeNotifier()
    Gaps(database, notifier, "default", clock=lambda: WEDNESDAY).report_week()
    assert notifier.reports == {}


@pytest.mark.parametrize("hours", [0, 15, 24 * 7 - 1])
def test_a_week_begins_on_monday(hours: int):
    monday = datetime(2026, 3, 9, tzinfo=UTC)
    assert week_start(monday + timedelta(hours=hours)) == monday


def test_a_room_is_not_shown_what_one_person_alone_has_asked():
    alone = themes([lacking("Is <PERSON_1> ill?", 0), lacking("Is somebody ill?", 1)])
    both = themes(BICYCLES)
    text = told([theme.as_json() for theme in [*both, *alone]], LAST_WEEK, WEDNESDAY)
    assert "e.g. “Is there bicycle parking?”" in text
    assert "somebody" not in text.split("•")[2]


@pytest.mark.parametrize("evil", ["=HYPERLINK(1)", "+1", "-1", "@SUM", "  =1", "\t=1"])
def test_no_cell_of_the_export_is_a_formula(evil: str):
    theme = themes([lacking(evil, 0, missing_documents=(evil,)), lacking(evil + "!", 0)])[0]
    for row in list(csv.reader(io.StringIO(as_csv([theme.as_json()]))))[1:]:
        assert not [cell for cell in row if cell.strip().startswith(("=", "+", "-", "@"))]
