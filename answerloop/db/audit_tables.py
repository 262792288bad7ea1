"""The tables of what people judge: samples, audits, verdicts, corrections, curated answers and what goes with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from answerloop.db.tables import Table, new_id, now


class QuestionVectorRow(Table):
    """The masked question as the embedder sees it: float32, a unit row. For novelty, themes and near duplicates."""

    __tablename__ = "question_vectors"

    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"), primary_key=True)
    embedder: Mapped[str] = mapped_column(String(255))
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class SampleRow(Table):
    """Whether an answer is looked at, and how probable that was: every finished answer has one.

    `probability` is of inclusion, in (0, 1]; whatever is flagged has 1. `draw` is uniform in [0, 1), seeded. `wanted`
    is what the probability would have been without a budget. `stratum` is channel, topic and confidence.
    """

    __tablename__ = "samples"

    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    probability: Mapped[float]
    draw: Mapped[float]
    chosen: Mapped[bool] = mapped_column(index=True)
    priority: Mapped[str] = mapped_column(String(16))
    topic: Mapped[str] = mapped_column(String(80), index=True)
    stratum: Mapped[str] = mapped_column(String(160))
    wanted: Mapped[float]
    flags: Mapped[list[Any]] = mapped_column(default=list)
    uncertainty: Mapped[float] = mapped_column(default=0.0)
    novelty: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class AuditRow(Table):
    """An answer that people are to judge. `in_house`: on our own page alone, since reviewers in general may not read
    its sources or it could not be masked. `task` is the review queue's name for it, unique within a `project`. What was
    said of it before `reopened_at` does not count any more."""

    __tablename__ = "audits"
    __table_args__ = (UniqueConstraint("project", "task"), Index("ix_audits_queue", "state", "priority", "created_at"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    priority: Mapped[str] = mapped_column(String(16))
    in_house: Mapped[bool] = mapped_column(default=False)
    overlap: Mapped[int] = mapped_column(default=1)
    project: Mapped[str | None] = mapped_column(String(64))
    task: Mapped[str | None] = mapped_column(String(64))
    verdict: Mapped[str | None] = mapped_column(String(16))
    grounded: Mapped[str | None] = mapped_column(String(16))
    failure: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    pushed_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]


class VerdictRow(Table):
    """What one reviewer says of one answer, as last seen; withdrawn when they took it back. `lost_at`: the review queue
    has forgotten it since, though nobody took it back, so it stands. `taken_at`: when these words came to us, by our
    own clock; `submitted_at` and `updated_at` are by the clock of whoever keeps it."""

    __tablename__ = "verdicts"
    __table_args__ = (UniqueConstraint("origin", "external_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    audit_id: Mapped[str] = mapped_column(ForeignKey("audits.id"), index=True)
    reviewer: Mapped[str] = mapped_column(String(255), index=True)
    origin: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(128))
    verdict: Mapped[str] = mapped_column(String(16))
    grounded: Mapped[str] = mapped_column(String(16))
    faults: Mapped[list[Any]] = mapped_column(default=list)
    correction: Mapped[str | None] = mapped_column(Text)
    edited: Mapped[bool] = mapped_column(default=False)
    documents: Mapped[list[Any]] = mapped_column(default=list)
    missing_document: Mapped[str] = mapped_column(Text, default="")
    lead_seconds: Mapped[float | None]
    submitted_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    taken_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]
    lost_at: Mapped[datetime | None]


class CorrectionRow(Table):
    """A better answer to a question, and how far it is on its way. `question` is masked.

    `documents` (ids) ground it, or `missing_document` names the one that should exist. `suggested_by` is whoever wrote
    it first; who approves is somebody else, but for what a reviewer wrote while judging: submitting that approves it.
    `approved_via` is `judging`, or `click` on our page; `second_by` is another person, who has confirmed or rejected it
    there. `withdrawn_because` is a `Withdrawal`.
    """

    __tablename__ = "corrections"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), index=True)
    tenant: Mapped[str] = mapped_column(String(80), index=True)
    topic: Mapped[str] = mapped_column(String(80), default="")
    question: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    documents: Mapped[list[Any]] = mapped_column(default=list)
    missing_document: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), default="proposed", index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    withdrawn_because: Mapped[str] = mapped_column(String(16), default="")
    suggested_by: Mapped[str] = mapped_column(String(255), index=True)
    suggested_via: Mapped[str] = mapped_column(String(16))
    approved_by: Mapped[str | None] = mapped_column(String(255))
    approved_via: Mapped[str] = mapped_column(String(16), default="")
    approved_at: Mapped[datetime | None]
    second_by: Mapped[str | None] = mapped_column(String(255))
    second_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class CuratedRow(Table):
    """An approved correction in force. `documents` are its sources as they were when it was approved: id → hash of the
    content (`curated.content_hash`). Who may read all of them may read it. `question` is empty where only the answer
    that was corrected is meant. `vector` is of the question, float32, by `embedder`."""

    __tablename__ = "curated_answers"

    correction_id: Mapped[str] = mapped_column(ForeignKey("corrections.id"), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(80), index=True)
    question: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    documents: Mapped[dict[str, Any]]
    embedder: Mapped[str] = mapped_column(String(255), default="")
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)
    in_force_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None] = mapped_column(index=True)
    withdrawn_because: Mapped[str] = mapped_column(Text, default="")
    served: Mapped[int] = mapped_column(default=0)
    served_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now, index=True)


class ReplacedAnswerRow(Table):
    """An answer as it was before it was corrected, for whoever takes the correction back, and for judging what was
    judged: `sources` are all columns of its rows of `answer_sources`."""

    __tablename__ = "replaced_answers"

    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(String(16))
    confidence: Mapped[str | None] = mapped_column(String(16))
    decision: Mapped[dict[str, Any]]
    sources: Mapped[list[Any]]
    replaced_at: Mapped[datetime] = mapped_column(default=now)


class ReviewerRow(Table):
    """Somebody whose judgement counts. `id` is their e-mail address; `people` are the same human as chats know them."""

    __tablename__ = "reviewers"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    people: Mapped[list[Any]] = mapped_column(default=list)
    external_id: Mapped[str | None] = mapped_column(String(64), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    invited_by: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class BookmarkRow(Table):
    """How far something that is read bit by bit has been read."""

    __tablename__ = "bookmarks"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    lease_until: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class AlarmRow(Table):
    """Something that a person should look at; `key` says what it is about, so a second one is the same one."""

    __tablename__ = "alarms"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime] = mapped_column(default=now, index=True)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[str] = mapped_column(String(255), default="")


class GapReportRow(Table):
    """What people asked and the documents do not say, as themes of one week."""

    __tablename__ = "gap_reports"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    tenant: Mapped[str] = mapped_column(String(80), index=True)
    since: Mapped[datetime]
    until: Mapped[datetime]
    themes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ObjectiveRow(Table):
    """What the operator wants to reach, with its numbers; the newest one counts."""

    __tablename__ = "objectives"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    tenant: Mapped[str] = mapped_column(String(80), index=True)
    text: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(String(80), default="")
    resolved_share: Mapped[float]
    median_seconds: Mapped[float | None]
    set_by: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ReceiptRow(Table):
    """That something was erased, by whom and how much, without what it was. `subject` is a keyed hash."""

    __tablename__ = "receipts"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(64), index=True)
    counts: Mapped[dict[str, Any]]
    unfinished: Mapped[dict[str, Any]] = mapped_column(default=dict)
    asked_by: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
