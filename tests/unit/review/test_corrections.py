"""Who may approve what, and what becomes of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from answerloop.auditing import AuditState, Origin, Verdict, Withdrawal
from answerloop.db.audit_tables import AuditRow, VerdictRow
from answerloop.db.repositories import corrections, curated
from answerloop.db.repositories.feedback import add
from answerloop.db.tables import DocumentRow, now
from answerloop.domain import Opinion, Via
from answerloop.errors import NotAllowed, NotFound
from review import approval, fitness
from review.corrections import DECIDED_ALREADY, NOT_A_REVIEWER, YOURS_ALREADY
from tests.unit.review.correction_kit import (
    ANN,
    APPROVED,
    BOB,
    CAT,
    DANA,
    EVE,
    LEAVE,
    NEEDS_SECOND,
    OTHER,
    PROPOSED,
    QUESTION,
    REJECTED,
    RIGHT,
    TRAVEL,
    WITHDRAWN,
    WRONG_ANSWER,
    Desk,
)


@pytest.fixture
def desk(database):
    return Desk(database)


def an_audit(desk, **more):
    answer = desk.answered(**more)
    return answer, desk.audit(answer)


class TestApproving:
    def test_what_a_reviewer_submits_is_approved_and_in_force(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        row = desk.only()
        assert (row.state, row.approved_by, row.reason) == (APPROVED, ANN, "")
        assert (row.question, row.text, row.topic) == (QUESTION, RIGHT, "hr")
        (served,) = desk.in_force()
        assert served.correction_id == row.id
        assert served.documents == {desk.leave: curated.content_hash("hr/leave.md", LEAVE)}
        assert (served.expires_at - served.in_force_at).days in (179, 180)
        assert desk.corrected() == 1

    def test_judging_again_changes_nothing(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        before = desk.only()
        desk.corrected()
        desk.corrections.judge(audit)
        desk.corrections.judge(audit)
        after = desk.only()
        assert (after.id, after.updated_at, after.approved_at) == (before.id, before.updated_at, before.approved_at)
        assert desk.corrected() == 0
        assert len(desk.in_force()) == 1

    def test_the_audit_is_judged(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        row = desk.audit_row(audit)
        assert (row.state, row.verdict, row.grounded) == (AuditState.JUDGED, "wrong", "not_grounded")
        assert row.judged_at is not None

    def test_a_verdict_without_a_text_or_with_the_answer_itself_is_no_correction(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction=None)
        desk.says(audit, correction="60 days", edited=True)
        desk.says(audit, correction=WRONG_ANSWER, edited=False)
        assert desk.all() == []
        assert desk.audit_row(audit).verdict == "wrong"

    def test_an_unknown_account_never_approves_and_the_operator_is_told(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, "mallory@example.com")
        row = desk.only()
        assert row.state == PROPOSED
        assert "mallory@example.com is not a reviewer we know" in row.reason
        assert desk.in_force() == []
        assert desk.audit_row(audit).state == AuditState.OUT
        assert ["mallory@example.com" in alarm.text for alarm in desk.alarms()] == [True]

    def test_neither_does_a_reviewer_who_is_none_any_more(self, desk):
        _, audit = an_audit(desk)
        desk.reviewer(ANN, active=False)
        desk.says(audit)
        assert desk.states() == [PROPOSED]

    def test_once_we_know_the_account_its_verdict_counts(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, "new@example.com")
        desk.reviewer("new@example.com")
        desk.corrections.judge(audit)
        assert desk.states() == [APPROVED]

    def test_whoever_asked_does_not_approve_under_any_of_their_names(self, desk):
        _, audit = an_audit(desk)
        desk.reviewer(ANN, DANA)
        desk.says(audit)
        assert (desk.only().state, desk.only().reason) == (PROPOSED, approval.ASKER)
        assert desk.in_force() == []

    def test_two_reviewers_with_the_same_text_are_one_correction(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.says(audit, BOB, correction=RIGHT.replace("leave", "leave [1]").upper())
        assert desk.states() == [APPROVED]

    def test_an_answer_that_was_found_correct_has_no_correction(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, verdict=Verdict.CORRECT)
        assert (desk.only().state, desk.only().reason) == (REJECTED, approval.FOUND_CORRECT)
        assert desk.in_force() == []

    def test_nothing_is_approved_before_as_many_have_judged_as_are_wanted(self, database):
        desk = Desk(database, overlap=2)
        _, audit = an_audit(desk)
        desk.says(audit)
        assert (desk.only().state, desk.only().reason) == (PROPOSED, approval.OTHERS_TO_JUDGE)
        desk.says(audit, BOB, correction=None)
        assert desk.states() == [APPROVED]


class TestWhatItStandsOn:
    def test_a_correction_that_its_documents_do_not_carry_is_kept_and_says_why(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction="You get 120 days of paid parental leave for each child.")
        row = desk.only()
        assert row.state == PROPOSED
        assert "120 days" in row.reason
        assert "number 120" in row.reason
        assert desk.in_force() == []

    def test_every_sentence_has_to_be_carried(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction=f"{RIGHT} Bring a cake to the canteen on Monday.")
        assert desk.states() == [PROPOSED]
        assert "Bring a cake" in desk.only().reason

    def test_what_they_do_not_clearly_carry_needs_a_second_person(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction="There are 90 paid days that an employee with a child may stay at home.")
        assert desk.states() == [NEEDS_SECOND]
        assert "do not clearly carry “There are 90 paid days" in desk.only().reason
        desk.corrections.confirm(desk.only().id, BOB)
        assert desk.states() == [APPROVED]

    def test_the_opposite_of_what_they_say_is_refused(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction="Employees do not get 90 days of paid parental leave for each child.")
        assert desk.states() == [PROPOSED]
        assert "negation" in desk.only().reason

    def test_yes_alone_says_nothing_and_before_a_reason_it_does_no_harm(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction="Yes.")
        assert desk.only().reason == fitness.SAYS_NOTHING
        desk.says(audit, correction=f"Yes. {RIGHT}")
        assert APPROVED in desk.states()

    def test_the_reviewers_choice_of_documents_counts(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction=TRAVEL, documents=[2])
        assert desk.only().documents == [desk.travel]
        assert (desk.only().state, desk.only().topic) == (APPROVED, "travel")

    def test_a_choice_that_does_not_carry_it_is_not_put_right_for_them(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, documents=["2"])
        assert desk.states() == [PROPOSED]

    def test_without_a_choice_a_document_beside_the_answer_may_carry_it_alone(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction=TRAVEL)
        assert (desk.only().state, desk.only().documents) == (APPROVED, [desk.travel])

    def test_an_answer_without_a_citation_can_be_corrected(self, desk):
        _, audit = an_audit(desk, cited=False)
        desk.says(audit)
        assert (desk.only().state, desk.only().documents) == (APPROVED, [desk.leave])

    def test_one_that_no_document_beside_the_answer_carries_asks_for_one(self, desk):
        _, audit = an_audit(desk, cited=False)
        desk.says(audit, correction="The canteen opens at 11:30.")
        assert (desk.only().state, desk.only().reason) == (PROPOSED, fitness.NO_DOCUMENT)

    def test_one_that_names_the_missing_document_is_approved_and_served_to_nobody(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction="The canteen opens at 11:30.", missing="Canteen hours")
        row = desk.only()
        assert (row.state, row.documents, row.missing_document) == (APPROVED, [], "Canteen hours")
        assert "Canteen hours" in row.reason
        assert desk.in_force() == []

    def test_a_document_that_is_gone_carries_nothing(self, desk):
        _, audit = an_audit(desk)
        with desk.database.writing() as session:
            session.execute(update(DocumentRow).values(superseded=True))
        desk.says(audit, documents=[1])
        assert (desk.only().state, desk.only().reason) == (PROPOSED, fitness.GONE)

    def test_a_placeholder_of_the_asker_is_refused(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction=f"<PERSON_1>: {RIGHT}")
        assert (desk.only().state, desk.only().reason) == (PROPOSED, fitness.PLACEHOLDER)

    def test_one_that_is_too_long_is_refused(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction=f"{RIGHT}\n" * 40)
        assert (desk.only().state, desk.only().reason) == (PROPOSED, fitness.TOO_LONG)

    def test_what_was_put_right_is_approved_in_the_same_row(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, documents=[2])
        desk.says(audit, documents=[1])
        assert desk.states() == [APPROVED]


class TestServedToOthers:
    def test_a_question_with_personal_data_is_corrected_here_alone(self, desk):
        _, audit = an_audit(desk, question="How many days of parental leave does Jane Doe get?")
        desk.says(audit)
        assert desk.only().state == APPROVED
        assert "personal data" in desk.only().reason
        assert "Jane" not in desk.only().question
        assert desk.in_force() == []
        assert desk.corrected() == 1

    def test_a_question_that_was_not_masked_yet_is_masked_now(self, desk):
        _, audit = an_audit(desk, question="How many days of leave does Jane Doe get?", masked=False)
        desk.says(audit)
        assert "<PERSON_1>" in desk.only().question

    def test_a_follow_up_is_corrected_here_alone(self, desk):
        desk.answered("What is the travel policy?")
        _, audit = an_audit(desk, question="How long is it valid?")
        desk.says(audit)
        assert desk.only().state == APPROVED
        assert "those before it" in desk.only().reason
        assert desk.in_force() == []

    def test_a_question_that_stands_alone_is_served_wherever_it_was_asked(self, desk):
        desk.answered("What is the travel policy?")
        _, audit = an_audit(desk)
        desk.says(audit)
        assert len(desk.in_force()) == 1


class TestSuggestions:
    def test_a_suggestion_waits_for_a_reviewer(self, desk):
        answer, _ = an_audit(desk)
        desk.suggests(answer)
        assert desk.corrections.take_suggestions() == 1
        row = desk.only()
        assert (row.state, row.suggested_by, row.suggested_via, row.reason) == (PROPOSED, EVE, "click", "")
        with desk.database.reading() as session:
            assert corrections.suggestion_for(session, answer) == RIGHT

    def test_taking_it_again_changes_nothing(self, desk):
        answer, _ = an_audit(desk)
        desk.suggests(answer)
        desk.corrections.take_suggestions()
        desk.corrections.take_suggestions()
        assert len(desk.all()) == 1

    def test_personal_data_in_it_is_masked(self, desk):
        answer, _ = an_audit(desk)
        desk.suggests(answer, text="Ask Jane Doe, she knows.")
        desk.corrections.take_suggestions()
        assert desk.only().text == "Ask <PERSON_1>, she knows."

    def test_a_reviewer_who_submits_it_unedited_approves_it(self, desk):
        answer, audit = an_audit(desk)
        desk.suggests(answer)
        desk.says(audit, edited=False)
        row = desk.only()
        assert (row.state, row.suggested_by, row.approved_by) == (APPROVED, EVE, ANN)

    def test_whoever_suggested_it_does_not_approve_it(self, desk):
        answer, audit = an_audit(desk)
        desk.reviewer(ANN, EVE)
        desk.suggests(answer)
        desk.says(audit, edited=False)
        assert (desk.only().state, desk.only().reason) == (PROPOSED, approval.SUGGESTER)

    def test_neither_with_a_word_changed_nor_after_changing_the_suggestion(self, desk):
        answer, audit = an_audit(desk)
        desk.reviewer(ANN, EVE)
        desk.suggests(answer)
        desk.says(audit, correction=OTHER)
        assert APPROVED not in desk.states()
        desk.suggests(answer, text="Something else.")
        desk.says(audit, edited=False)
        assert APPROVED not in desk.states()

    def test_an_unedited_text_is_its_authors_also_when_they_write_something_else_meanwhile(self, desk):
        answer, audit = an_audit(desk)
        desk.suggests(answer, text=OTHER)
        desk.says(audit, correction=RIGHT, edited=False)
        assert {row.text: row.suggested_by for row in desk.all()}[RIGHT] == EVE

    def test_the_asker_may_suggest_and_a_reviewer_approve(self, desk):
        answer, audit = an_audit(desk)
        desk.suggests(answer, DANA)
        desk.says(audit, edited=False)
        assert (desk.only().state, desk.only().suggested_by) == (APPROVED, DANA)

    def test_a_reviewer_approves_a_suggestion_by_a_click(self, desk):
        answer, _ = an_audit(desk)
        desk.suggests(answer)
        desk.corrections.take_suggestions()
        desk.corrections.confirm(desk.only().id, ANN)
        assert (desk.only().state, desk.only().approved_by, desk.only().approved_via) == (APPROVED, ANN, "click")
        assert len(desk.in_force()) == 1

    def test_what_was_approved_stands_when_its_author_writes_something_else(self, desk):
        answer, audit = an_audit(desk)
        desk.suggests(answer)
        desk.corrections.take_suggestions()
        desk.corrections.confirm(desk.only().id, ANN)
        desk.suggests(answer, text=OTHER)
        desk.corrections.judge(audit)
        assert sorted(desk.states()) == [APPROVED, PROPOSED]
        assert [row.text for row in desk.in_force()] == [RIGHT]

    def test_a_suggestion_for_an_answer_that_is_correct_is_rejected(self, desk):
        answer, audit = an_audit(desk)
        desk.suggests(answer)
        desk.says(audit, verdict=Verdict.CORRECT, correction=None)
        assert (desk.only().state, desk.only().reason) == (REJECTED, approval.FOUND_CORRECT)

    def test_when_another_correction_was_approved_the_suggestion_is_over(self, desk):
        answer, audit = an_audit(desk)
        desk.suggests(answer, text=OTHER)
        desk.says(audit)
        assert {row.text: row.state for row in desk.all()} == {OTHER: REJECTED, RIGHT: APPROVED}
        desk.corrections.judge(audit)
        assert {row.text: row.state for row in desk.all()} == {OTHER: REJECTED, RIGHT: APPROVED}

    def test_what_cannot_be_masked_is_left_out(self, desk):
        answer, _ = an_audit(desk)
        desk.suggests(answer)
        desk.corrections._redactor = type(desk.corrections._redactor)(failure=RuntimeError("no model"))
        desk.corrections.take_suggestions()
        assert desk.all() == []


class TestSecondPerson:
    @pytest.fixture
    def desk(self, database):
        return Desk(database, four_eyes=("hr",))

    def test_a_topic_under_four_eyes_needs_a_second_person(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        row = desk.only()
        assert (row.state, row.approved_by) == (NEEDS_SECOND, ANN)
        assert approval.UNDER_FOUR_EYES in row.reason
        assert desk.in_force() == []
        assert desk.corrected() == 0
        desk.corrections.confirm(row.id, BOB)
        assert (desk.only().state, desk.only().approved_by, desk.only().second_by) == (APPROVED, ANN, BOB)
        assert len(desk.in_force()) == 1
        assert desk.corrected() == 1

    def test_it_stays_confirmed_when_it_is_judged_again(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.corrections.confirm(desk.only().id, BOB)
        desk.corrections.judge(audit)
        desk.corrections.confirm(desk.only().id, BOB)
        assert desk.states() == [APPROVED]

    def test_nobody_is_their_own_second_person(self, desk):
        _, audit = an_audit(desk)
        desk.reviewer(ANN, "ann-in-chat")
        desk.says(audit)
        for name in (ANN, ANN.upper(), "ann-in-chat"):
            with pytest.raises(NotAllowed):
                desk.corrections.confirm(desk.only().id, name)
        assert desk.states() == [NEEDS_SECOND]

    def test_a_second_verdict_in_the_queue_is_no_click(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.says(audit, BOB)
        assert desk.states() == [NEEDS_SECOND]

    def test_the_asker_the_suggester_and_strangers_are_no_second_person(self, desk):
        answer, audit = an_audit(desk)
        desk.suggests(answer)
        desk.says(audit, edited=False)
        desk.reviewer(BOB, DANA)
        desk.reviewer(CAT, EVE)
        for person, because in ((BOB, approval.ASKER), (CAT, approval.SUGGESTER), ("mallory", NOT_A_REVIEWER)):
            with pytest.raises(NotAllowed, match=because):
                desk.corrections.confirm(desk.only().id, person)

    def test_a_suggestion_approved_by_a_click_needs_another_click(self, desk):
        answer, _ = an_audit(desk)
        desk.suggests(answer)
        desk.corrections.take_suggestions()
        desk.corrections.confirm(desk.only().id, ANN)
        assert desk.states() == [NEEDS_SECOND]
        with pytest.raises(NotAllowed, match=YOURS_ALREADY):
            desk.corrections.confirm(desk.only().id, ANN)
        desk.corrections.confirm(desk.only().id, BOB)
        assert desk.states() == [APPROVED]

    def test_any_document_under_four_eyes_is_enough(self, database):
        desk = Desk(database, four_eyes=("travel",))
        _, audit = an_audit(desk)
        desk.says(audit, correction=f"{RIGHT}\n{TRAVEL}", documents=[1, 2])
        assert desk.states() == [NEEDS_SECOND]

    def test_a_document_that_has_changed_meanwhile_is_noticed_at_the_click(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.change_document(desk.leave, LEAVE.replace("90", "95"))
        with pytest.raises(NotAllowed, match="number 90"):
            desk.corrections.confirm(desk.only().id, BOB)
        assert desk.in_force() == []

    def test_what_does_not_exist_cannot_be_confirmed(self, desk):
        with pytest.raises(NotFound):
            desk.corrections.confirm("nothing", ANN)
        with pytest.raises(NotFound):
            desk.corrections.reject("nothing", ANN, "")


class TestRejecting:
    def test_what_was_rejected_stays_rejected_until_somebody_writes_it_anew(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, correction=RIGHT, documents=[2])
        desk.corrections.reject(desk.only().id, BOB, "Not our tone.")
        desk.corrections.judge(audit)
        assert (desk.only().state, desk.only().reason) == (REJECTED, "Not our tone.")
        desk.says(audit, correction=RIGHT, documents=[1])
        assert desk.states() == [APPROVED]

    def test_what_is_in_force_is_withdrawn_by_it(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.corrected()
        desk.corrections.reject(desk.only().id, BOB, "Wrong.")
        row = desk.only()
        assert (row.state, row.withdrawn_because, row.second_by) == (WITHDRAWN, Withdrawal.REJECTED, BOB)
        assert desk.in_force() == []
        assert desk.corrected() == 1

    def test_only_reviewers_reject(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        with pytest.raises(NotAllowed):
            desk.corrections.reject(desk.only().id, "mallory", "")
        assert desk.states() == [APPROVED]

    def test_what_was_rejected_cannot_be_confirmed(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, documents=[2])
        desk.corrections.reject(desk.only().id, BOB, "")
        with pytest.raises(NotAllowed, match=DECIDED_ALREADY):
            desk.corrections.confirm(desk.only().id, CAT)


class TestTakingBack:
    def test_a_verdict_that_is_taken_back_takes_its_correction_with_it(self, desk):
        _, audit = an_audit(desk)
        verdict = desk.says(audit)
        desk.corrected()
        desk.takes_back(verdict)
        row = desk.only()
        assert (row.state, row.withdrawn_because, row.reason) == (WITHDRAWN, Withdrawal.TAKEN_BACK, approval.TAKEN_BACK)
        assert desk.in_force() == []
        assert desk.corrected() == 1
        assert (desk.audit_row(audit).state, desk.audit_row(audit).verdict) == (AuditState.OUT, None)

    def test_given_again_it_comes_back_as_another_one(self, desk):
        _, audit = an_audit(desk)
        desk.takes_back(desk.says(audit))
        desk.says(audit)
        assert desk.states() == [WITHDRAWN, APPROVED]
        assert [row.correction_id for row in desk.in_force()] == [desk.all()[1].id]

    def test_another_text_replaces_it(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.says(audit, correction=OTHER)
        assert {row.text: row.state for row in desk.all()} == {RIGHT: WITHDRAWN, OTHER: APPROVED}
        assert [row.text for row in desk.in_force()] == [OTHER]

    def test_other_documents_replace_it(self, desk):
        _, audit = an_audit(desk)
        also = desk.document("hr/more.md", LEAVE)
        desk.says(audit, documents=[1])
        desk.says(audit, documents=[also])
        assert desk.states() == [WITHDRAWN, APPROVED]
        assert [list(row.documents) for row in desk.in_force()] == [[also]]

    def test_a_verdict_changed_to_correct_withdraws_it(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.says(audit, verdict=Verdict.CORRECT, correction=None)
        assert desk.states() == [WITHDRAWN]
        assert desk.audit_row(audit).verdict == "correct"
        assert desk.in_force() == []

    def test_a_proposal_that_its_writer_takes_back_is_over(self, desk):
        _, audit = an_audit(desk)
        desk.takes_back(desk.says(audit, documents=[2]))
        assert desk.states() == [REJECTED]

    def test_a_second_persons_click_falls_with_the_verdict_it_confirmed(self, database):
        desk = Desk(database, four_eyes=("hr",))
        _, audit = an_audit(desk)
        verdict = desk.says(audit)
        desk.corrections.confirm(desk.only().id, BOB)
        desk.takes_back(verdict)
        assert desk.states() == [WITHDRAWN]
        desk.says(audit)
        assert desk.states() == [WITHDRAWN, NEEDS_SECOND]

    def test_when_the_document_changed_meanwhile_judging_again_withdraws_it(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.change_document(desk.leave, LEAVE.replace("90", "95"))
        desk.corrections.judge(audit)
        assert (desk.only().state, desk.only().withdrawn_because) == (WITHDRAWN, Withdrawal.SOURCE)
        desk.corrections.judge(audit)
        assert desk.states() == [WITHDRAWN]

    def test_an_audit_that_was_opened_again_is_judged_by_what_is_said_since(self, desk):
        answer, audit = an_audit(desk)
        desk.says(audit)
        with desk.database.writing() as session:
            corrections.withdraw(session, desk.only().id, Withdrawal.EXPIRED, "Its time is over.")
            corrections.reopen(session, answer)
        desk.corrections.judge(audit)
        assert desk.states() == [WITHDRAWN]
        assert desk.audit_row(audit).verdict is None
        assert desk.audit_row(audit).in_house
        desk.says(audit, origin=Origin.PAGE)
        assert desk.states() == [WITHDRAWN, APPROVED]


class TestConflicts:
    def test_while_reviewers_disagree_nothing_is_approved(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.says(audit, BOB, Verdict.CORRECT, None)
        assert desk.audit_row(audit).state == AuditState.CONFLICT
        assert desk.states() == [WITHDRAWN, PROPOSED]
        assert desk.all()[1].reason == approval.IN_CONFLICT
        assert desk.in_force() == []

    def test_nor_by_a_click_before_somebody_has_decided(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, judge=False)
        desk.says(audit, BOB, Verdict.CORRECT, None)
        with pytest.raises(NotAllowed, match="disagree"):
            desk.corrections.confirm(desk.only().id, CAT)

    def test_what_was_decided_needs_a_second_person(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, judge=False)
        desk.says(audit, BOB, Verdict.CORRECT, None, judge=False)
        desk.says(audit, CAT, Verdict.WRONG, None, origin=Origin.PAGE)
        assert (desk.audit_row(audit).state, desk.audit_row(audit).verdict) == (AuditState.JUDGED, "wrong")
        assert (desk.only().state, desk.only().approved_by) == (NEEDS_SECOND, ANN)
        assert approval.DISPUTED in desk.only().reason
        desk.corrections.confirm(desk.only().id, CAT)
        assert desk.states() == [APPROVED]

    def test_decided_as_correct_there_is_no_correction(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, judge=False)
        desk.says(audit, BOB, Verdict.CORRECT, None, judge=False)
        desk.says(audit, CAT, Verdict.CORRECT, None, origin=Origin.PAGE)
        assert desk.states() == [REJECTED]
        assert desk.audit_row(audit).verdict == "correct"

    def test_of_two_different_texts_a_second_person_chooses(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, judge=False)
        desk.says(audit, BOB, correction=OTHER)
        assert desk.states() == [NEEDS_SECOND, NEEDS_SECOND]
        assert approval.COMPETING in desk.all()[0].reason
        chosen = next(row for row in desk.all() if row.text == OTHER)
        desk.corrections.confirm(chosen.id, ANN)
        assert {row.text: row.state for row in desk.all()} == {RIGHT: REJECTED, OTHER: APPROVED}
        desk.corrections.judge(audit)
        assert {row.text: row.state for row in desk.all()} == {RIGHT: REJECTED, OTHER: APPROVED}

    def test_what_is_in_force_stays_until_another_one_is_confirmed(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit)
        desk.says(audit, BOB, correction=OTHER)
        assert {row.text: row.state for row in desk.all()} == {RIGHT: APPROVED, OTHER: NEEDS_SECOND}
        challenger = next(row for row in desk.all() if row.text == OTHER)
        desk.corrections.confirm(challenger.id, CAT)
        assert {row.text: row.state for row in desk.all()} == {RIGHT: WITHDRAWN, OTHER: APPROVED}
        assert [row.text for row in desk.in_force()] == [OTHER]
        desk.corrections.judge(audit)
        assert {row.text: row.state for row in desk.all()} == {RIGHT: WITHDRAWN, OTHER: APPROVED}


def test_a_change_while_sentences_are_judged_is_decided_anew(desk):
    _, audit = an_audit(desk)
    desk.says(audit, judge=False)
    detector = desk.corrections._fitness._detector
    meanwhile = [lambda: desk.change_document(desk.leave, LEAVE.replace("90", "95"))]

    class Slow:
        entails = False

        def score(self, sentences, passages):
            scores = detector.score(sentences, passages)
            if meanwhile:
                meanwhile.pop()()
            return scores

    desk.corrections._fitness._detector = Slow()
    desk.corrections.judge(audit)
    assert desk.states() == [PROPOSED]
    assert desk.in_force() == []


def test_an_answer_that_is_gone_is_nobodys_business(desk):
    desk.corrections.judge("nothing")
    desk.corrections.judge_answer("nothing")
    assert desk.all() == []


def test_feedback_without_a_better_answer_is_no_suggestion(desk):
    answer, _ = an_audit(desk)
    with desk.database.writing() as session:
        add(session, answer, EVE, Opinion(), Via.CLICK)
    assert desk.corrections.take_suggestions() == 0


class TestLostJobs:
    def later(self, desk):
        with desk.database.writing() as session:
            for row in session.scalars(select(VerdictRow)):
                row.taken_at -= timedelta(minutes=5)
                row.withdrawn_at = row.withdrawn_at and row.withdrawn_at - timedelta(minutes=5)

    def test_a_verdict_that_nobody_has_judged_by_is_found(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, judge=False)
        assert desk.corrections.catch_up() == 0  # its job may still be on its way
        self.later(desk)
        assert desk.corrections.catch_up() == 1
        assert desk.states() == [APPROVED]
        assert desk.corrections.catch_up() == 0

    def test_one_that_was_taken_back_is_found(self, desk):
        _, audit = an_audit(desk)
        verdict = desk.says(audit)
        with desk.database.writing() as session:
            session.get_one(VerdictRow, verdict).withdrawn_at = now() + timedelta(seconds=400)
            session.get_one(AuditRow, audit).judged_at = now() - timedelta(seconds=400)
        self.later(desk)
        with desk.database.writing() as session:
            session.get_one(VerdictRow, verdict).withdrawn_at = now() - timedelta(seconds=200)
        assert desk.corrections.catch_up() == 1
        assert desk.states() == [WITHDRAWN]

    def test_whoever_becomes_a_reviewer_is_heard_then(self, desk):
        _, audit = an_audit(desk)
        desk.says(audit, "new@example.com")
        self.later(desk)
        desk.reviewer("new@example.com")
        desk.corrections.catch_up()
        assert desk.states() == [APPROVED]

    def test_suggestions_are_taken_on_the_way(self, desk):
        answer, _ = an_audit(desk)
        desk.suggests(answer)
        assert desk.corrections.catch_up() == 1
        assert desk.states() == [PROPOSED]
