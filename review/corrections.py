"""What becomes of verdicts: the judge of one answer, and the clicks of a second person.

Everything begins again from the rows: judging twice changes nothing, and a verdict that is changed or taken back takes
back what rested on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from answerloop.auditing import CorrectionState
from answerloop.db import outbox
from answerloop.db.repositories import alarms, corrections, curated
from answerloop.db.repositories.corrections import Case, CorrectionView, Wanted
from answerloop.db.session import Database
from answerloop.db.tables import OutboxRow
from answerloop.errors import DatabaseUnavailable, NotAllowed, NotFound
from answerloop.followups import leans
from answerloop.placeholders import holds_placeholder
from answerloop.ports import GroundednessDetector, Redactor, TaskQueue
from answerloop.tasks import correct_answer
from review.approval import ASKER, NEEDS_SECOND, PROPOSED, SUGGESTER, Plan, plan
from review.candidates import CLICK, Humans
from review.fitness import Fitness, masked

MOST_ROUNDS = 5
HERE_ALONE = "It corrects this answer alone: {why}."
PERSONAL, FOLLOW_UP, NOT_MASKED = (
    "the question holds personal data",
    "the question is not understood without those before it",
    "personal data in the question could not be masked",
)
NOT_SERVED = "It is given to nobody until the document that is missing is there: {document}"
ALARM = "unknown_reviewer"
STRANGER = "{account} has judged answers but is no reviewer we know: these verdicts do not count."
NOT_A_REVIEWER = "Only reviewers decide about corrections."
YOURS_ALREADY = "You have approved it already: a second person has to confirm it."
DECIDED_ALREADY = "It is not waiting for a decision any more."


class Corrections:
    """`lasts`: how long an approved correction is served. Every method raises DatabaseUnavailable, and
    GroundednessUnavailable where the judging of sentences fails: to be called again later."""

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        detector: GroundednessDetector,
        redactor: Redactor,
        *,
        four_eyes: Sequence[str],
        lasts: timedelta,
        grounded_threshold: float,
    ) -> None:
        self._database = database
        self._queue = queue
        self._fitness = Fitness(detector, grounded_threshold, four_eyes)
        self._redactor = redactor
        self._lasts = lasts

    # --- doors

    def judge(self, audit_id: str) -> None:
        """Bring the audit, its corrections and what is in force in line with its verdicts."""
        with self._database.reading() as session:
            answer_id = corrections.answer_of_audit(session, audit_id)
        if answer_id is not None:
            self.judge_answer(answer_id)

    def judge_answer(self, answer_id: str) -> None:
        """As `judge`; also of an answer without an audit, for which somebody has suggested a better one."""
        self._decide(answer_id, lambda case: case)

    def catch_up(self) -> int:
        """Judge what a lost job has left unjudged, and take what people have suggested; how many answers that were."""
        with self._database.reading() as session:
            left = corrections.left_unjudged(session)
        for answer_id in left:
            self.judge_answer(answer_id)
        return len(left) + self.take_suggestions()

    def take_suggestions(self) -> int:
        """Make corrections of the better answers that people have written in chats since the last time."""
        with self._database.reading() as session:
            answers, until = corrections.suggested_lately(session)
        for answer_id in answers:
            self.judge_answer(answer_id)
        if until is not None:
            with self._database.writing() as session:
                corrections.move_bookmark(session, until)
        return len(answers)

    def confirm(self, correction_id: str, person: str) -> None:
        """This person approves it, or is the second one to. A second time changes nothing.

        Raises NotFound, and NotAllowed with the reason for people.
        """
        view = self._view(correction_id)

        def clicked(case: Case) -> Case:
            row = _row(case, correction_id)
            reviewer = _reviewer(case, person)
            if row.state is CorrectionState.APPROVED and reviewer in (row.approved_by, row.second_by):
                return case
            _may_confirm(case, row, reviewer)
            if row.state is NEEDS_SECOND:
                return _with(case, replace(row, second_by=reviewer))
            return _with(case, replace(row, approved_by=reviewer, approved_via=CLICK))

        self._decide(view.answer_id, clicked)
        after = self._view(correction_id)
        if after.state in (PROPOSED, CorrectionState.REJECTED):
            raise NotAllowed(after.reason or DECIDED_ALREADY)

    def reject(self, correction_id: str, person: str, reason: str) -> None:
        """Whatever state it is in: one that is in force is withdrawn. It comes back only when somebody writes it anew.

        Raises NotFound, NotAllowed.
        """
        view = self._view(correction_id)
        with self._database.writing() as session:
            case = corrections.case(session, view.answer_id, lock=True)
            if case is None:
                raise NotFound("There is no such correction.")
            row, reviewer = _row(case, correction_id), _reviewer(case, person)
            in_force = row.state is CorrectionState.APPROVED
            corrections.reject(session, correction_id, reviewer, reason.strip() or "Rejected by a reviewer.")
            jobs = [outbox.write(session, correct_answer(case.answer_id))] if in_force else []
        outbox.send(self._database, self._queue, jobs)
        self.judge_answer(view.answer_id)

    def _view(self, correction_id: str) -> CorrectionView:
        with self._database.reading() as session:
            view = corrections.view(session, correction_id)
        if view is None:
            raise NotFound("There is no such correction.")
        return view

    # --- deciding

    def _decide(self, answer_id: str, clicked: Callable[[Case], Case]) -> None:
        """Judging sentences takes a while, so nobody is held up for it: what was decided is written when nothing has
        changed since, and is decided anew when something has. A withdrawal may let something else in: one more round.
        """
        for _ in range(MOST_ROUNDS):
            with self._database.reading() as session:
                case = corrections.case(session, answer_id)
            if case is None:
                return
            hidden = masked(case, self._redactor)
            decided = plan(clicked(case), hidden.suggestions, self._fitness.rules(case))
            with self._database.writing() as session:
                if corrections.case(session, answer_id, lock=True) != case:
                    continue
                jobs = self._write(session, case, decided, hidden.question)
            outbox.send(self._database, self._queue, jobs)
            if not decided.withdrawn:
                return
            clicked = _nothing
        raise DatabaseUnavailable("Others decide about the same answer all the time.")

    def _write(self, session: Any, case: Case, decided: Plan, question: str | None) -> list[OutboxRow]:
        standing = {row.id for row in case.corrections if row.state is CorrectionState.APPROVED}
        approved = False
        for gone in decided.withdrawn:
            corrections.withdraw(session, gone.correction_id, gone.because, gone.reason)
        for wanted in decided.wanted:
            if wanted.state is not CorrectionState.APPROVED:
                corrections.store(session, case, question or "", wanted)
                continue
            alone = _here_alone(case, wanted, question)
            row_id = corrections.store(session, case, question or "", replace(wanted, reason=alone))
            if row_id not in standing:
                approved = True
                if wanted.documents:
                    hashes = corrections.hashes(case, wanted.documents)
                    asked = "" if alone else question or ""
                    curated.put_in_force(session, row_id, case.tenant, asked, wanted.text, hashes, self._lasts)
        if case.audit is not None and decided.audit_state is not None:
            corrections.judged(session, case.audit.id, decided.audit_state, decided.verdict, decided.grounded)
        for account in decided.unknown:
            alarms.ring(session, f"unknown-reviewer:{account}"[:255], ALARM, STRANGER.format(account=account))
        return [outbox.write(session, correct_answer(case.answer_id))] if approved or decided.withdrawn else []


def _nothing(case: Case) -> Case:
    return case


def _here_alone(case: Case, wanted: Wanted, question: str | None) -> str:
    """Why an approved correction is not given to others who ask the same; nothing where it is."""
    if wanted.missing_document or not wanted.documents:
        return NOT_SERVED.format(document=wanted.missing_document)
    if question is None:
        return HERE_ALONE.format(why=NOT_MASKED)
    if holds_placeholder(question):
        return HERE_ALONE.format(why=PERSONAL)
    return HERE_ALONE.format(why=FOLLOW_UP) if case.after_others and leans(case.asked) else ""


# --- clicks ----------------------------------------------------------------------------------------------------------


def _row(case: Case, correction_id: str) -> CorrectionView:
    row = next((row for row in case.corrections if row.id == correction_id), None)
    if row is None:
        raise NotFound("There is no such correction.")
    return row


def _reviewer(case: Case, person: str) -> str:
    """The reviewer that this person is. Raises NotAllowed."""
    humans = Humans(case.reviewers)
    if not humans.trusted(person):
        raise NotAllowed(NOT_A_REVIEWER)
    return humans.name(person)


def _may_confirm(case: Case, row: CorrectionView, reviewer: str) -> None:
    """Raises NotAllowed with the reason for people."""
    humans = Humans(case.reviewers)
    if row.state not in (PROPOSED, NEEDS_SECOND):
        raise NotAllowed(DECIDED_ALREADY)
    if humans.same(reviewer, case.asker):
        raise NotAllowed(ASKER)
    if humans.same(reviewer, row.suggested_by):
        raise NotAllowed(SUGGESTER)
    if row.state is NEEDS_SECOND and row.approved_by and humans.same(reviewer, row.approved_by):
        raise NotAllowed(YOURS_ALREADY)


def _with(case: Case, changed: CorrectionView) -> Case:
    return replace(case, corrections=tuple(changed if row.id == changed.id else row for row in case.corrections))
