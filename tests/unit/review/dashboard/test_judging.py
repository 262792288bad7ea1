from __future__ import annotations

from datetime import UTC, datetime

import pytest

from answerloop.auditing import AuditState, Verdict
from answerloop.db.audit_tables import ReviewerRow, VerdictRow
from answerloop.db.repositories import judging, verdicts
from answerloop.tasks import judge_audit
from answerloop.testing.past import Happened, audit, happen
from tests.unit.review.dashboard.page_kit import Office, PageKit, text_of

FILLED = {
    "verdict": "wrong",
    "grounded": "not_grounded",
    "fault": ["outdated"],
    "correction": "90 days.",
    "document": "1",
}


def test_the_queue_shows_what_stays_in_the_house_and_what_is_disputed(kit: PageKit):
    shown = kit.client("hana").get("/queue").text
    assert "What is the salary band of level 4?" in shown
    assert "How long is parental leave for fathers?" in shown
    assert shown.index("salary band") < shown.index("for fathers"), "the urgent one comes first"


def test_whoever_may_not_read_a_source_does_not_learn_of_the_answer(kit: PageKit):
    client = kit.client("rita")
    assert "salary" not in client.get("/queue").text
    assert client.get(f"/audits/{kit.past.restricted}").status_code == 404
    assert client.post(f"/audits/{kit.past.restricted}", data=FILLED).status_code == 404
    assert kit.queue.jobs == []


def test_an_answer_whose_source_is_gone_is_for_nobody(kit: PageKit):
    with kit.database.writing() as session:
        _, answer = happen(session, Happened("Gone?", datetime.now(UTC), document_id="0" * 32))
        case = audit(session, answer, datetime.now(UTC), AuditState.WAITING, in_house=True)
    assert kit.client("hana").get(f"/audits/{case}").status_code == 404


def test_a_verdict_and_its_job_are_written_together(kit: PageKit):
    answer = kit.client("hana").post(f"/audits/{kit.past.restricted}", data=FILLED)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/audits/{kit.past.conflict}", "on to the next one"
    assert kit.queue.jobs == [judge_audit(kit.past.restricted)]
    with kit.database.reading() as session:
        [given] = verdicts.current(session, kit.past.restricted)
    assert (given.reviewer, given.origin) == ("hana@orrenby.example", "page")
    assert (given.verdict, given.grounded, given.faults) == ("wrong", "not_grounded", ("outdated",))
    assert (given.correction, given.edited, given.documents) == ("90 days.", True, (1,))


def test_judging_twice_changes_the_first_verdict_and_taking_back_leaves_none(kit: PageKit):
    client = kit.client("hana")
    client.post(f"/audits/{kit.past.restricted}", data=FILLED)
    client.post(f"/audits/{kit.past.restricted}", data={**FILLED, "verdict": "partial"})
    with kit.database.reading() as session:
        assert [each.verdict for each in verdicts.current(session, kit.past.restricted)] == ["partial"]
    assert client.post(f"/audits/{kit.past.restricted}/take-back", data={"go": "1"}).status_code == 303
    client.post(f"/audits/{kit.past.restricted}/take-back", data={"go": "1"})
    with kit.database.reading() as session:
        assert verdicts.current(session, kit.past.restricted) == ()
    assert kit.queue.jobs == [judge_audit(kit.past.restricted)] * 3


def test_an_answer_left_as_it_is_is_no_correction(kit: PageKit):
    unchanged = {**FILLED, "correction": "Level 4 earns EUR 61,000 to 74,000 in 2026."}
    kit.client("hana").post(f"/audits/{kit.past.restricted}", data=unchanged)
    with kit.database.reading() as session:
        [given] = verdicts.current(session, kit.past.restricted)
    assert (given.correction, given.edited) == ("", False)


@pytest.mark.parametrize("missing", ["verdict", "grounded"])
def test_both_questions_have_to_be_answered(kit: PageKit, missing: str):
    answer = kit.client("hana").post(f"/audits/{kit.past.restricted}", data={**FILLED, missing: ""})
    assert answer.status_code == 422
    assert "Please choose one" in answer.text


def test_a_document_that_may_not_be_read_cannot_be_named(kit: PageKit):
    answer = kit.client("rita").post(f"/audits/{kit.past.conflict}", data={**FILLED, "other": "Salary bands"})
    assert answer.status_code == 404
    answer = kit.client("hana").post(f"/audits/{kit.past.conflict}", data={**FILLED, "other": "Salary bands"})
    assert answer.status_code == 303


def test_the_asker_and_those_who_disagree_see_why_they_may_not_decide(kit: PageKit):
    shown = kit.client("ines").get(f"/audits/{kit.past.conflict}")
    assert "You asked this yourself" in shown.text
    assert kit.client("ines").post(f"/audits/{kit.past.conflict}", data=FILLED).status_code == 403
    with kit.database.writing() as session:
        session.get(ReviewerRow, "lena@orrenby.example").people = ["hana"]
    assert "somebody else decides" in kit.client("hana").get(f"/audits/{kit.past.conflict}").text
    assert kit.client("hana").post(f"/audits/{kit.past.conflict}", data=FILLED).status_code == 403


def test_a_reviewer_is_the_same_human_however_they_come(kit: PageKit):
    with kit.database.writing() as session:
        session.add(ReviewerRow(id="Rita@orrenby.example", people=["slack:T1:U1"]))
        session.flush()
        me = judging.admit(session, Office().person("rita"))
    assert me.id == "Rita@orrenby.example"
    assert me.is_one_of("slack:T1:U1")
    assert me.is_one_of("rita")
    with kit.database.reading() as session:
        assert session.get(ReviewerRow, "Rita@orrenby.example").people == ["slack:T1:U1", "rita"]


def test_a_reviewer_who_was_sent_away_judges_no_more(kit: PageKit):
    with kit.database.writing() as session:
        session.add(ReviewerRow(id="hana@orrenby.example", people=[], active=False))
    answer = kit.client("hana").post(f"/audits/{kit.past.restricted}", data=FILLED)
    assert answer.status_code == 403
    with kit.database.reading() as session:
        assert session.query(VerdictRow).filter_by(audit_id=kit.past.restricted).count() == 0


def kit_person(name: str):
    from tests.unit.review.dashboard.page_kit import Office

    return Office().person(name)


def test_what_people_and_documents_wrote_is_shown_as_text(kit: PageKit):
    evil = "<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://evil.example/p.png)"
    with kit.database.writing() as session:
        _, answer = happen(session, Happened(evil, datetime.now(UTC), text=evil, passage=evil))
        case = audit(session, answer, datetime.now(UTC), AuditState.WAITING, in_house=True)
    html = kit.client("hana").get(f"/audits/{case}").text
    assert "<script>alert" not in html
    assert 'href="javascript' not in html
    assert '<img src="https' not in html
    assert "alert(1)" in text_of(html)


def test_the_words_of_the_form_are_the_words_of_auditing(kit: PageKit):
    html = kit.client("hana").get(f"/audits/{kit.past.conflict}").text
    for verdict in Verdict:
        assert f'value="{verdict}"' in html
