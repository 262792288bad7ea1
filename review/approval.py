"""Who may approve what: from what people say of an answer to what becomes of each better answer. No database, no clock.

A correction is approved when a reviewer we know has submitted it who is neither the person who suggested it nor the one
who asked; when it stands on its documents; and, where its topic is under four eyes, reviewers disagreed or the
documents do not clearly carry it, when a second person has confirmed it on our page. What is not approved says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from answerloop.auditing import AuditState, CorrectionState, Grounded, Verdict, Withdrawal
from answerloop.db.repositories.corrections import Case, CorrectionView, Wanted
from review.candidates import CLICK, JUDGING, Candidate, Grounding, Humans, candidates, normal, said_of
from review.verdicts import Outcome, Said, Standing, outcome

FOUND_CORRECT = "Reviewers found the answer correct."
SAID_CORRECT = "It was submitted with the verdict that the answer is correct."
OTHERS_TO_JUDGE = "Another reviewer has yet to judge the answer."
IN_CONFLICT = "Reviewers disagree about the answer: somebody else decides, on the page."
ASKER = "Whoever asked cannot approve it: somebody else has to."
SUGGESTER = "Whoever suggested it cannot approve it: somebody else has to."
UNKNOWN = "{name} is not a reviewer we know, or not any more: somebody else has to approve it."
ANOTHER = "Another correction of the same answer was approved."
TAKEN_BACK = "The judgement that it rested on was taken back or changed."
UNFIT = "It no longer stands on its documents: {why}"
SECOND = "A second person has to confirm it, since {why}."
UNDER_FOUR_EYES, DISPUTED, COMPETING = (
    "its topic is under four eyes",
    "reviewers disagreed",
    "there is another one for the same answer",
)
APPROVED, NEEDS_SECOND, PROPOSED, REJECTED, WITHDRAWN = (
    CorrectionState.APPROVED,
    CorrectionState.NEEDS_SECOND,
    CorrectionState.PROPOSED,
    CorrectionState.REJECTED,
    CorrectionState.WITHDRAWN,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """`problem` says what is wrong with a candidate, `doubt` why a second person should look at it; or nothing."""

    four_eyes: frozenset[str]
    problem: Callable[[Candidate], str]
    doubt: Callable[[Candidate], str]
    grounding: Grounding


@dataclass(frozen=True, slots=True)
class Withdrawn:
    correction_id: str
    because: Withdrawal
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be so. `unknown` are accounts whose verdicts do not count."""

    audit_state: AuditState | None
    verdict: Verdict | None
    grounded: Grounded | None
    wanted: tuple[Wanted, ...]
    withdrawn: tuple[Withdrawn, ...]
    unknown: tuple[str, ...]


def plan(case: Case, suggestions: Mapping[str, str], rules: Rules) -> Plan:
    """`suggestions` are masked, by person."""
    humans = Humans(case.reviewers)
    said = [said_of(each, case) for each in case.verdicts]
    counting = [each for each in said if humans.trusted(each.reviewer)]
    found = outcome(counting, case.audit.overlap if case.audit else 1, humans.name)
    judge = _Judge(case, humans, rules, found, tuple(suggestions))
    decided = [judge.decided(each) for each in candidates(case, said, suggestions, rules.grounding)]
    wanted, withdrawn = _settled(case, _one_of_them([each for each in decided if each], case))
    return Plan(
        audit_state=_audit_state(case, found),
        verdict=found.verdict,
        grounded=found.grounded,
        wanted=tuple(wanted),
        withdrawn=tuple(withdrawn),
        unknown=tuple(sorted({each.reviewer for each in said if not humans.trusted(each.reviewer)})),
    )


def _audit_state(case: Case, found: Outcome) -> AuditState | None:
    """None where there is none or nobody judges it any more. One that is open again goes back to where it was."""
    if case.audit is None or case.audit.state == AuditState.CLOSED:
        return None
    if found.settled:
        return AuditState.JUDGED
    if found.standing is Standing.CONFLICT:
        return AuditState.CONFLICT
    if case.audit.state in (AuditState.JUDGED, AuditState.CONFLICT):
        return AuditState.OUT if case.audit.pushed else AuditState.WAITING
    return AuditState(case.audit.state)


# --- each for itself -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Decided:
    """`row` is what it is in the database; `unfit`: its text does not stand on its documents."""

    wanted: Wanted
    row: CorrectionView | None
    unfit: bool = False

    @property
    def approved(self) -> bool:
        return self.wanted.state is APPROVED

    @property
    def in_force(self) -> str:
        """The id of the row, where that is approved."""
        return self.row.id if self.row is not None and self.row.state is APPROVED else ""

    def but(self, state: CorrectionState, reason: str) -> _Decided:
        return replace(self, wanted=replace(self.wanted, state=state, reason=reason))


@dataclass(frozen=True, slots=True)
class _Judge:
    case: Case
    humans: Humans
    rules: Rules
    found: Outcome
    suggesters: tuple[str, ...]

    def decided(self, candidate: Candidate) -> _Decided | None:
        """None where it was decided for good, and nobody has written it anew since."""
        rows = [row for row in self.case.corrections if _is(row, candidate)]
        if any(self._for_good(row, candidate) for row in rows):
            return None
        row = next((row for row in reversed(rows) if row.state is not WITHDRAWN), None)
        topics = dict(self.case.topics)
        wanted = Wanted(
            id=row.id if row else None,
            text=row.text if row else candidate.text,
            documents=candidate.documents,
            missing_document=candidate.missing_document,
            state=PROPOSED,
            reason="",
            topic=next((topics[each] for each in candidate.documents if each in topics), self.case.topic),
            suggested_by=row.suggested_by if row else candidate.suggested_by,
            suggested_via=candidate.suggested_via,
        )
        clicked = row.approved_by if row is not None and row.approved_via == CLICK else None
        state, reason = self._without_approval(candidate, clicked)
        if state is not None:
            return _Decided(replace(wanted, state=state, reason=reason), row)
        approver = clicked or next(each.reviewer for each in candidate.said if not self._may_not(each))
        problem = self.rules.problem(candidate)
        if problem:
            return _Decided(replace(wanted, reason=problem), row, unfit=True)
        wanted = replace(
            wanted,
            state=APPROVED,
            approved_by=approver,
            approved_via=CLICK if clicked else JUDGING,
            second_by=row.second_by if row else None,
        )
        why = self._needs_second(candidate)
        if why and wanted.second_by is None:
            wanted = replace(wanted, state=NEEDS_SECOND, reason=SECOND.format(why=why))
        return _Decided(wanted, row)

    def _without_approval(self, candidate: Candidate, clicked: str | None) -> tuple[CorrectionState | None, str]:
        """Where nobody has approved it, and why; None where somebody has."""
        if self.found.settled and self.found.verdict is Verdict.CORRECT:
            return REJECTED, FOUND_CORRECT
        if self.found.standing is Standing.CONFLICT:
            return PROPOSED, IN_CONFLICT
        why_not = [self._may_not(each) for each in candidate.said]
        if clicked or (self.found.settled and "" in why_not):
            return None, ""
        return PROPOSED, OTHERS_TO_JUDGE if "" in why_not else next(iter(why_not), "")

    def _may_not(self, said: Said) -> str:
        """Why submitting it approves nothing."""
        if not self.humans.trusted(said.reviewer):
            return UNKNOWN.format(name=said.reviewer)
        if self.humans.same(said.reviewer, self.case.asker):
            return ASKER
        if any(self.humans.same(said.reviewer, person) for person in self.suggesters):
            return SUGGESTER
        return SAID_CORRECT if said.verdict is Verdict.CORRECT else ""

    def _needs_second(self, candidate: Candidate) -> str:
        topics = dict(self.case.topics)
        if {self.case.topic, *(topics.get(each, "") for each in candidate.documents)} & self.rules.four_eyes:
            return UNDER_FOUR_EYES
        return DISPUTED if self.found.standing is Standing.DECIDED else self.rules.doubt(candidate)

    def _for_good(self, row: CorrectionView, candidate: Candidate) -> bool:
        """Somebody has rejected it, or chosen another, or it is out of date."""
        chosen = any(other.state is APPROVED for other in self.case.corrections)
        rejected = row.state is REJECTED and (row.second_by is not None or (row.reason == ANOTHER and chosen))
        gone = row.state is WITHDRAWN and row.withdrawn_because != Withdrawal.TAKEN_BACK
        return (rejected or gone) and (candidate.latest is None or candidate.latest <= row.updated_at)


def _is(row: CorrectionView, candidate: Candidate) -> bool:
    """The documents count where somebody has approved them."""
    if normal(row.text) != normal(candidate.text):
        return False
    same = (row.documents, row.missing_document) == (candidate.documents, candidate.missing_document)
    return same or row.state in (PROPOSED, REJECTED)


# --- side by side ----------------------------------------------------------------------------------------------------


def _one_of_them(decided: Sequence[_Decided], case: Case) -> list[_Decided]:
    """One answer has one correction. One that is in force stays until a second person confirms another one; where two
    are approved at once, a second person chooses."""
    approved = [each for each in decided if each.approved]
    confirmed = [each for each in approved if not each.in_force and each.wanted.second_by]
    in_force = [each for each in approved if each.in_force]
    alone = approved if len(approved) == 1 else []
    winner = next(iter(confirmed or in_force or alone), None)
    if winner is not None and not winner.in_force:
        return [each if each is winner else each.but(REJECTED, ANOTHER) for each in decided]
    compete = SECOND.format(why=COMPETING)
    return [each.but(NEEDS_SECOND, compete) if each.approved and each is not winner else each for each in decided]


def _settled(case: Case, decided: Sequence[_Decided]) -> tuple[list[Wanted], list[Withdrawn]]:
    """What was approved is never overwritten: it is withdrawn, and what it becomes is another row."""
    wanted, withdrawn = [], []
    for each in decided:
        if not each.in_force or each.approved:
            wanted.append(each.wanted)
            continue
        if each.unfit:
            because, reason = Withdrawal.SOURCE, UNFIT.format(why=each.wanted.reason)
        elif each.wanted.reason == ANOTHER:
            because, reason = Withdrawal.REPLACED, ANOTHER
        else:
            because, reason = Withdrawal.TAKEN_BACK, TAKEN_BACK
            if each.wanted.state is not REJECTED:
                wanted.append(replace(each.wanted, id=None))
        withdrawn.append(Withdrawn(each.in_force, because, reason))
    known = {each.row.id for each in decided if each.row is not None}
    for row in case.corrections:
        if row.id not in known and row.state is APPROVED:
            withdrawn.append(Withdrawn(row.id, Withdrawal.TAKEN_BACK, TAKEN_BACK))
        elif row.id not in known and row.state in (PROPOSED, NEEDS_SECOND):
            wanted.append(_gone(row))
    return wanted, withdrawn


def _gone(row: CorrectionView) -> Wanted:
    return Wanted(
        id=row.id,
        text=row.text,
        documents=row.documents,
        missing_document=row.missing_document,
        state=REJECTED,
        reason=TAKEN_BACK,
        topic="",
        suggested_by=row.suggested_by,
        suggested_via="",
    )
