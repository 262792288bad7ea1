import json
import time
from pathlib import Path

import pytest
from httpx import Response
from sqlalchemy import func, select

from answerloop.db.repositories import corrected
from answerloop.db.session import Database
from answerloop.db.tables import DocumentRow, QuestionRow
from answerloop.domain import Action, Decision
from answerloop.errors import DatabaseUnavailable
from answerloop.testing.corrections import approve
from bot.feedback import PER_PERSON
from bot.web.snapshots import EXCERPT_CHARACTERS, WITHHELD
from tests.unit.bot.web.web_kit import ADA, BOB, WebKit, signed_in_by_proxy, source

KEY = "3f0c9f4e-6f3a-4c53-9b0e-1f1f2c5b9a10"


def ask(kit: WebKit, person: str = ADA, text: str = "How many days of leave do I have?", **more: str) -> dict[str, str]:
    accepted = kit.as_person(person).post("/api/chat/questions", json={"text": text, **more})
    assert accepted.status_code == 202, accepted.text
    return accepted.json()


def answer_id(kit: WebKit, question_id: str, person: str = ADA) -> str:
    return kit.as_person(person).get(f"/api/chat/questions/{question_id}").json()["answer_id"]


def post(kit: WebKit, path: str, body: object) -> Response:
    """With everything beyond ASCII escaped, so that also what is no text can be sent."""
    return kit.as_person(ADA).post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


class TestAsking:
    def test_a_question_is_stored_and_can_be_read(self, kit: WebKit) -> None:
        asked = ask(kit)
        snapshot = kit.as_person(ADA).get(f"/api/chat/questions/{asked['question_id']}").json()
        assert snapshot["question"] == "How many days of leave do I have?"
        assert snapshot["conversation_id"] == asked["conversation_id"]
        assert (snapshot["stage"], snapshot["text"], snapshot["queue_position"]) == ("queued", "", 1)

    def test_sent_again_it_is_the_same_question(self, kit: WebKit) -> None:
        assert ask(kit, client_key=KEY) == ask(kit, client_key=KEY)
        with kit.database.reading() as session:
            assert session.scalar(select(func.count(QuestionRow.id))) == 1

    def test_two_people_may_choose_the_same_key(self, kit: WebKit) -> None:
        assert ask(kit, ADA, client_key=KEY) != ask(kit, BOB, client_key=KEY)

    def test_a_follow_up_stays_in_its_conversation(self, kit: WebKit) -> None:
        first = ask(kit)
        second = ask(kit, text="And after ten years?", conversation=first["conversation_id"])
        assert second["conversation_id"] == first["conversation_id"]
        kept = kit.as_person(ADA).get(f"/api/chat/conversations/{first['conversation_id']}").json()
        assert [each["question_id"] for each in kept["questions"]] == [first["question_id"], second["question_id"]]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"text": "  "},
            {"text": "x" * 201},
            {"text": 7},
            {"text": "ok", "asker": BOB},
            {"text": "ok", "client_key": "a b"},
            {"text": "half a pair \ud800"},
            {"text": "a NUL \0"},
            {"text": "ok", "conversation": "a NUL \0"},
            [],
        ],
    )
    def test_what_is_not_a_question(self, kit: WebKit, body: object) -> None:
        refused = post(kit, "/api/chat/questions", body)
        assert refused.status_code == 422
        assert set(refused.json()) == {"error"}

    def test_the_finished_answer(self, kit: WebKit) -> None:
        question, document = ask(kit)["question_id"], kit.document("Leave")
        kit.answer(question, sources=(source(document),))
        snapshot = kit.as_person(ADA).get(f"/api/chat/questions/{question}").json()
        assert (snapshot["stage"], snapshot["outcome"], snapshot["confidence"]) == ("done", "answered", "sure")
        assert snapshot["contact"] == "help@example.com"
        assert snapshot["details"] == {
            "model": "tiny",
            "adapter": "base",
            "timings_ms": {"total": 12.0},
            "index_version": "v1",
            "decision": {"action": "quoted", "rule": "evidence", "notes": []},
        }
        assert snapshot["sources"] == [
            {
                "number": 1,
                "cited": True,
                "title": "Leave",
                "headings": ["Leave", "Entitlement"],
                "excerpt": "You have 27 days of leave.",
                "href": f"/documents/{document}?start=10&end=70#passage",
                "url": "https://example.com/leave",
                "modified_at": "2026-01-12T00:00:00+00:00",
            }
        ]

    def test_an_address_that_is_not_the_webs_is_not_passed_on(self, kit: WebKit) -> None:
        question = ask(kit)["question_id"]
        kit.answer(question, sources=(source(kit.document("Leave"), url="javascript:alert(1)"),))
        assert kit.as_person(ADA).get(f"/api/chat/questions/{question}").json()["sources"][0]["url"] is None

    def test_who_is_sent_to_a_person_is_told_of_no_other_one(self, kit: WebKit) -> None:
        question = ask(kit)["question_id"]
        kit.answer(
            question, "Please talk to Ada.", decision=Decision(Action.REFUSED, "unsafe: legal", ("its wording",))
        )
        snapshot = kit.as_person(ADA).get(f"/api/chat/questions/{question}").json()
        assert snapshot["contact"] is None
        assert snapshot["details"]["decision"] == {
            "action": "refused",
            "rule": "unsafe: legal",
            "notes": ["its wording"],
        }


class TestExcerpt:
    def excerpt(self, kit: WebKit, text: str) -> str:
        question = ask(kit)["question_id"]
        kit.answer(question, sources=(source(kit.document("Leave"), text=text),))
        snapshot = kit.as_person(ADA).get(f"/api/chat/questions/{question}").json()
        return snapshot["sources"][0]["excerpt"]

    def test_a_table_and_a_list_as_prose(self, kit: WebKit) -> None:
        text = "# Leave\n\n| Years | Days |\n|:---|---:|\n| 1 | 27 |\n\n---\n\n- *Sick* leave\n  - paid"
        assert self.excerpt(kit, text) == "Years · Days; 1 · 27; Sick leave paid"

    @pytest.mark.parametrize("text", [" " * 40_000, "\n" * 40_000, "| " * 20_000, "-" * 40_000, "[" * 40_000])
    def test_a_hostile_passage_takes_no_time(self, kit: WebKit, text: str) -> None:
        began = time.process_time()
        assert len(self.excerpt(kit, text + "x")) <= EXCERPT_CHARACTERS + 2
        assert time.process_time() - began < 1


class TestRightsOfToday:
    """Ada's answer stands on a document for `hr`, which she leaves."""

    def shown(self, kit: WebKit, asked: dict[str, str]) -> dict[str, object]:
        """What each way of reading the answer tells, which is the same."""
        client, path = kit.as_person(ADA), f"/api/chat/questions/{asked['question_id']}"
        snapshot = client.get(path).json()
        streamed = client.get(f"{path}/events").text.partition("data: ")[2]
        kept = client.get(f"/api/chat/conversations/{asked['conversation_id']}").json()["questions"]
        assert [snapshot] == kept == [json.loads(streamed)]
        return snapshot

    def test_who_may_no_longer_read_the_cited_document_is_told_nothing_of_it(self, kit: WebKit) -> None:
        asked, salaries, open_to_all = ask(kit), kit.document("Salaries", ("hr",)), kit.document("Leave")
        kit.answer(asked["question_id"], "Secret. [1]", (source(salaries), source(open_to_all, 2)))
        assert self.shown(kit, asked)["text"] == "Secret. [1]"
        kit.directory.groups[ADA] = frozenset({"everyone"})
        shown = self.shown(kit, asked)
        assert (shown["text"], shown["outcome"], shown["confidence"]) == (WITHHELD, "abstained", "don't know")
        assert shown["sources"] == []

    def test_a_corrected_answer_is_marked_for_whoever_may_read_it(self, kit: WebKit) -> None:
        asked, salaries = ask(kit), kit.document("Salaries", ("hr",))
        kit.answer(asked["question_id"])
        before = self.shown(kit, asked)
        correction = approve(kit.database, "default", "q", "Right.", [salaries])
        with kit.database.writing() as session:
            corrected.correct(session, str(before["answer_id"]), correction, "Right. [1]", [source(salaries)])
        after = self.shown(kit, asked)
        assert (before["verified"], after["verified"], after["text"]) == (False, True, "Right. [1]")
        assert after["revision"] == int(str(before["revision"])) + 1
        kit.directory.groups[ADA] = frozenset({"everyone"})
        assert (self.shown(kit, asked)["text"], self.shown(kit, asked)["verified"]) == (WITHHELD, False)

    def test_the_same_when_the_document_is_gone(self, kit: WebKit) -> None:
        asked, document = ask(kit), kit.document("Leave")
        kit.answer(asked["question_id"], sources=(source(document),))
        with kit.database.writing() as session:
            session.delete(session.get_one(DocumentRow, document))
        shown = self.shown(kit, asked)
        assert (shown["text"], shown["sources"]) == (WITHHELD, [])

    def test_a_document_that_was_merely_near_is_left_out(self, kit: WebKit) -> None:
        asked, leave, salaries = ask(kit), kit.document("Leave"), kit.document("Salaries", ("hr",))
        kit.answer(asked["question_id"], sources=(source(leave), source(salaries, 2, cited=False)))
        kit.directory.groups[ADA] = frozenset({"everyone"})
        shown = self.shown(kit, asked)
        assert (shown["text"], shown["outcome"]) == ("27 days. [1]", "answered")
        assert [each["number"] for each in shown["sources"]] == [1]


class TestLongConversation:
    def test_its_last_questions_are_shown(self, kit: WebKit) -> None:
        first = ask(kit, text="Question 0")
        for number in range(1, 102):
            ask(kit, text=f"Question {number}", conversation=first["conversation_id"])
        kept = kit.as_person(ADA).get(f"/api/chat/conversations/{first['conversation_id']}").json()
        assert [each["question"] for each in kept["questions"]] == [f"Question {n}" for n in range(2, 102)]


class TestOwnership:
    def test_nothing_of_mine_exists_for_others(self, kit: WebKit) -> None:
        asked = ask(kit)
        kit.answer(asked["question_id"])
        bob = kit.as_person(BOB)
        answer = answer_id(kit, asked["question_id"])
        refused = [
            bob.get(f"/api/chat/questions/{asked['question_id']}"),
            bob.get(f"/api/chat/questions/{asked['question_id']}/events"),
            bob.get(f"/api/chat/conversations/{asked['conversation_id']}"),
            bob.post(f"/api/chat/answers/{answer}/feedback", json={"thumb": "up"}),
            bob.post("/api/chat/questions", json={"text": "Me too", "conversation": asked["conversation_id"]}),
        ]
        assert [response.status_code for response in refused] == [404] * len(refused)
        unknown = bob.get(f"/api/chat/questions/{'0' * 32}")
        assert unknown.json() == refused[0].json()
        assert bob.get("/api/chat/conversations").json() == {"conversations": []}

    def test_what_was_asked_in_another_tenant_does_not_exist_here(
        self, kit: WebKit, database: Database, tmp_path: Path
    ) -> None:
        asked = ask(kit)
        elsewhere = signed_in_by_proxy(database, tmp_path / "home", tenant="other").as_person(ADA)
        assert elsewhere.get("/api/chat/conversations").json() == {"conversations": []}
        assert elsewhere.get(f"/api/chat/conversations/{asked['conversation_id']}").status_code == 404
        assert elsewhere.get(f"/api/chat/questions/{asked['question_id']}").status_code == 404
        follow_up = {"text": "And now?", "conversation": asked["conversation_id"]}
        assert elsewhere.post("/api/chat/questions", json=follow_up).status_code == 404

    def test_my_conversations_the_newest_first(self, kit: WebKit) -> None:
        ask(kit, text="First")
        ask(kit, text="Second")
        mine = kit.as_person(ADA).get("/api/chat/conversations").json()["conversations"]
        assert [each["title"] for each in mine] == ["Second", "First"]


class TestFeedback:
    def test_a_thumb_with_a_reason_is_kept(self, kit: WebKit) -> None:
        question = ask(kit)["question_id"]
        kit.answer(question)
        path, more = f"/api/chat/answers/{answer_id(kit, question)}/feedback", {"comment": "Too old.", "source": "p. 3"}
        body = {"thumb": "down", "reason": "outdated", "correction": "28 days.", **more}
        given = kit.as_person(ADA).post(path, json=body)
        assert (given.status_code, given.content) == (204, b"")
        snapshot = kit.as_person(ADA).get(f"/api/chat/questions/{question}").json()
        assert snapshot["feedback"] == body

    def test_it_can_be_changed_and_emptied_and_a_bare_thumb_leaves_it(self, kit: WebKit) -> None:
        question = ask(kit)["question_id"]
        kit.answer(question)
        path = f"/api/chat/answers/{answer_id(kit, question)}/feedback"

        def kept_after(body: dict[str, str | None]) -> dict[str, str | None]:
            assert kit.as_person(ADA).post(path, json=body).status_code == 204
            feedback = kit.as_person(ADA).get(f"/api/chat/questions/{question}").json()["feedback"]
            return {name: value for name, value in feedback.items() if value is not None}

        said = {"thumb": "down", "reason": "tone", "comment": "Rude."}
        assert kept_after(said) == said
        assert kept_after({"thumb": "down"}) == said
        assert kept_after({"thumb": "down", "reason": "other"}) == {"thumb": "down", "reason": "other"}
        assert kept_after({"thumb": "down", "reason": None, "comment": None}) == {"thumb": "down"}

    def test_who_rates_too_much_is_told_and_loses_nothing(self, kit: WebKit) -> None:
        ids = []
        for _ in range(PER_PERSON + 1):
            question = ask(kit)["question_id"]
            kit.answer(question)
            ids.append(answer_id(kit, question))
        rated = [kit.as_person(ADA).post(f"/api/chat/answers/{each}/feedback", json={"thumb": "up"}) for each in ids]
        assert [each.status_code for each in rated] == [204] * PER_PERSON + [429]
        assert "50 answers today" in rated[-1].json()["error"]
        again = kit.as_person(ADA).post(f"/api/chat/answers/{ids[0]}/feedback", json={"thumb": "down"})
        assert again.status_code == 204

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"thumb": "sideways"},
            {"thumb": "down", "reason": "boring"},
            {"thumb": "down", "correction": "x" * 4001},
            {"thumb": "down", "comment": "x" * 2001},
            {"thumb": "down", "source": "x" * 1001},
            {"thumb": "down", "correction": "half a pair \ud800"},
            {"thumb": "down", "correction": "a NUL \0"},
            {"thumb": "up", "person": BOB},
        ],
    )
    def test_what_is_not_feedback(self, kit: WebKit, body: dict[str, str]) -> None:
        question = ask(kit)["question_id"]
        kit.answer(question)
        given = post(kit, f"/api/chat/answers/{answer_id(kit, question)}/feedback", body)
        assert given.status_code == 422
        assert given.json()["error"]

    def test_an_unfinished_answer_takes_none(self, kit: WebKit) -> None:
        answer = answer_id(kit, ask(kit)["question_id"])
        assert kit.as_person(ADA).post(f"/api/chat/answers/{answer}/feedback", json={"thumb": "up"}).status_code == 422


class TestBusy:
    def test_a_database_that_is_away_is_worth_another_try(self, kit: WebKit, monkeypatch: pytest.MonkeyPatch) -> None:
        def away() -> None:
            raise DatabaseUnavailable("disk I/O error on /secret/path")

        monkeypatch.setattr(kit.database, "reading", away)
        refused = kit.as_person(ADA).get("/api/chat/conversations")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert "secret" not in refused.text
