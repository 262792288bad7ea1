"""The words of auditing: which answers people look at, what they say of them, and what becomes of that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Flag(StrEnum):
    """Why an answer is looked at whatever the draw says."""

    UNSAFE = "unsafe"
    HUMAN = "human"  # somebody asked for a person
    THUMB_DOWN = "thumb_down"
    SUGGESTION = "suggestion"  # somebody has written a better answer


class Priority(StrEnum):
    """In which order reviewers should look, the most urgent first."""

    URGENT = "urgent"  # unsafe, or a person was asked for
    FLAGGED = "flagged"  # somebody said that it is wrong, or knows better
    CANARY = "canary"  # of a new adapter
    SAMPLE = "sample"  # drawn by lot


class AuditState(StrEnum):
    WAITING = "waiting"  # to be pushed to where people judge
    OUT = "out"  # people may judge it
    CONFLICT = "conflict"  # they disagree: somebody else decides
    JUDGED = "judged"
    CLOSED = "closed"  # nobody is to judge it any more: erased, taken back, or out of date


class Verdict(StrEnum):
    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    UNSAFE = "unsafe"


class Grounded(StrEnum):
    GROUNDED = "grounded"
    PARTLY = "partly_grounded"
    NOT = "not_grounded"


class Fault(StrEnum):
    """What is wrong with an answer, as reviewers name it."""

    HALLUCINATION = "hallucination"
    MISSING_INFORMATION = "missing_information"
    WRONG_SOURCE = "wrong_source"
    OUTDATED = "outdated"
    CONFIDENTIAL_DATA = "confidential_data"
    TONE = "tone"


class Origin(StrEnum):
    """Where a verdict was given."""

    LABEL_STUDIO = "label_studio"
    PAGE = "page"  # the dashboard, which knows who somebody is


class CorrectionState(StrEnum):
    PROPOSED = "proposed"  # somebody has written it, nobody has approved it
    NEEDS_SECOND = "needs_second"  # approved once, and a second person's click is missing
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # was approved, and is out of date, expired, erased or taken back


class Withdrawal(StrEnum):
    """Why a correction that was approved is so no more."""

    TAKEN_BACK = "taken_back"  # people judge otherwise now
    REJECTED = "rejected"  # a reviewer has taken it out of force
    REPLACED = "replaced"  # another correction was approved
    SOURCE = "source"  # a document of it has changed, is gone or out of date
    EXPIRED = "expired"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class AuditTask:
    """One answer as it is shown to reviewers. Personal data is masked; `suggestion` pre-fills the correction."""

    audit_id: str
    answer_id: str
    priority: Priority
    question: str
    answer: str
    suggestion: str
    passages: tuple[AuditPassage, ...]
    channel: str
    model: str
    adapter: str
    confidence: str
    answered_at: datetime
    flags: tuple[Flag, ...] = ()
    said: tuple[str, ...] = ()
    """What people have said of it, masked."""


@dataclass(frozen=True, slots=True)
class AuditPassage:
    number: int
    document_id: str
    title: str
    text: str
    url: str | None
    cited: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one reviewer says of one answer.

    `external_id` (it begins with the task's id and a slash) and `updated_at` are the review queue's own; `updated_at`
    grows when the judgement is changed. `skipped`: the reviewer passed it on without judging. `reviewer` is the e-mail
    address that their account gives, `account` the account itself, which nobody can rename or take over. `correction`
    may be what the box was filled with before, be that the answer or somebody's suggestion; `edited` says whether the
    reviewer has changed it.
    """

    external_id: str
    task_id: str
    reviewer: str
    verdict: Verdict | None
    grounded: Grounded | None
    faults: tuple[Fault, ...]
    correction: str | None
    edited: bool
    documents: tuple[int, ...]
    missing_document: str
    lead_seconds: float | None
    updated_at: datetime
    skipped: bool = False
    account: str = ""


@dataclass(frozen=True, slots=True)
class AuditedTask:
    """A task as it stands in the review queue, with everything that is said of it right now."""

    task_id: str
    audit_id: str
    changed_at: datetime
    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueIdentity:
    """Which project it is, and the last mark that we left there: a lower one than we remember tells that what stands
    there is older than what we have seen. None can be read: -1."""

    project: str
    mark: int
