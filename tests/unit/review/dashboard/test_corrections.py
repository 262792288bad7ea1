from __future__ import annotations

from answerloop.auditing import CorrectionState
from answerloop.db.audit_tables import CorrectionRow, ReviewerRow
from tests.unit.review.dashboard.page_kit import PageKit


def test_a_second_person_confirms_or_rejects(kit: PageKit):
    client = kit.client("hana")
    assert client.post(f"/corrections/{kit.past.second}/confirm", data={"go": "1"}).status_code == 303
    client.post(f"/corrections/{kit.past.second}/reject", data={"reason": "Out of date"})
    assert kit.clicks.clicks == [
        ("confirm", kit.past.second, "hana@orrenby.example"),
        ("reject", kit.past.second, "hana@orrenby.example", "Out of date"),
    ]


def test_whoever_approved_it_or_wrote_it_sees_why_it_is_not_for_them(kit: PageKit):
    with kit.database.writing() as session:
        session.get(ReviewerRow, "lena@orrenby.example").people = ["hana"]
        session.get(CorrectionRow, kit.past.proposed).suggested_by = "rita"
    assert "You have approved it already" in kit.client("hana").get("/corrections").text
    assert "You wrote it" in kit.client("rita").get("/corrections").text
    assert "You asked the question" in kit.client("ines").get("/corrections").text


def test_what_the_rules_refuse_is_told_in_their_words(kit: PageKit):
    kit.clicks.refuses = "Whoever asked cannot approve it: somebody else has to."
    answer = kit.client("hana").post(f"/corrections/{kit.past.second}/confirm", data={"go": "1"})
    assert answer.status_code == 403
    assert "Whoever asked cannot approve it" in answer.text


def test_a_correction_is_for_those_who_may_read_its_documents(kit: PageKit):
    with kit.database.writing() as session:
        row = session.get(CorrectionRow, kit.past.second)
        row.documents = [*row.documents, "0" * 32]
    client = kit.client("hana")
    assert "in whichever team you work" not in client.get("/corrections").text
    assert client.post(f"/corrections/{kit.past.second}/confirm", data={"go": "1"}).status_code == 404
    assert kit.clicks.clicks == []


def test_operators_click_nothing(kit: PageKit):
    assert kit.client("olga").post(f"/corrections/{kit.past.second}/confirm", data={"go": "1"}).status_code == 403
    assert kit.clicks.clicks == []


def test_every_state_has_its_place(kit: PageKit):
    with kit.database.writing() as session:
        session.get(CorrectionRow, kit.past.proposed).state = CorrectionState.WITHDRAWN
    html = kit.client("hana").get("/corrections").text
    assert "Waiting for a second person" in html
    assert "served 214×" in html
    assert "Rejected and withdrawn" in html
