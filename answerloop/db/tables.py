"""The tables. Times are UTC; ids are random hexadecimal strings; JSON columns hold plain values only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def new_id() -> str:
    return uuid4().hex


def now() -> datetime:
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in Python, UTC in the database, also where the database has no time zones (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored: use datetime.now(UTC)")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Table(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[Any]: JSON()}


# --- questions and answers -------------------------------------------------------------------------------------------


class ConversationRow(Table):
    """A thread: `key` is the channel's own name for it."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("channel", "key"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(255))
    tenant: Mapped[str] = mapped_column(String(80))
    owner: Mapped[str] = mapped_column(String(255), index=True)
    title: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class QuestionRow(Table):
    __tablename__ = "questions"
    __table_args__ = (Index("ix_questions_open", "state", "lease_until"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    channel: Mapped[str] = mapped_column(String(32))
    tenant: Mapped[str] = mapped_column(String(80))
    asker: Mapped[str] = mapped_column(String(255), index=True)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    room: Mapped[str | None] = mapped_column(String(255))
    sources: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)

    conversation: Mapped[ConversationRow] = relationship()
    answer: Mapped[AnswerRow | None] = relationship(back_populates="question")


class InboundKeyRow(Table):
    """A name under which a platform delivered a message: the second delivery meets the unique key and is dropped."""

    __tablename__ = "inbound_keys"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class AnswerRow(Table):
    """The truth of what a question was answered; `revision` grows with every change that people may see.
    `correction_id` names the correction that it is, from the start or since it was corrected.

    Of question and answer only `masked_question` and `masked_text` may leave the house, and none of them where they
    are not set.
    """

    __tablename__ = "answers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"), unique=True)
    stage: Mapped[str] = mapped_column(String(16), default="queued")
    revision: Mapped[int] = mapped_column(default=0)
    text: Mapped[str] = mapped_column(Text, default="")
    hint: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str | None] = mapped_column(String(16))
    confidence: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    masked_question: Mapped[str | None] = mapped_column(Text)
    masked_text: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str] = mapped_column(String(255), default="")
    adapter: Mapped[str] = mapped_column(String(255), default="")
    index_version: Mapped[str] = mapped_column(String(255), default="")
    prompt_tokens: Mapped[int] = mapped_column(default=0)
    completion_tokens: Mapped[int] = mapped_column(default=0)
    cost: Mapped[float] = mapped_column(default=0.0)
    timings_ms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    scores: Mapped[dict[str, Any]] = mapped_column(default=dict)
    decision: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    retracted_at: Mapped[datetime | None]
    correction_id: Mapped[str | None] = mapped_column(String(32), index=True)

    question: Mapped[QuestionRow] = relationship(back_populates="answer")
    sources: Mapped[list[AnswerSourceRow]] = relationship(
        order_by="AnswerSourceRow.number", cascade="all, delete-orphan"
    )


class AnswerSourceRow(Table):
    __tablename__ = "answer_sources"

    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    cited: Mapped[bool]
    document_id: Mapped[str] = mapped_column(String(32), index=True)
    chunk_id: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    headings: Mapped[list[Any]]
    text: Mapped[str] = mapped_column(Text)
    excerpt: Mapped[str] = mapped_column(Text, default="")
    start: Mapped[int]
    end: Mapped[int]
    url: Mapped[str | None] = mapped_column(Text)
    modified_at: Mapped[datetime | None]
    score: Mapped[float]
    bm25: Mapped[float]
    cosine: Mapped[float]


class Posted:
    """A message in a chat that is shown once.

    `message_id` is the platform's. `posting_at` stands while a message is being posted whose id is not known yet; it
    stays when the outcome is unknown, and then the message is looked for before another one is posted. `due_at` is
    when its job is written anew, in case it was lost; none where nothing is to be shown. `delivered_at` is when it was
    shown, or given up, for the first time. `failure` is why nobody will ever see it.
    """

    message_id: Mapped[str | None] = mapped_column(String(255), index=True)
    posting_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    delivered_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)


class DeliveryRow(Posted, Table):
    """Where an answer goes and whether it got there: at most one for each question.

    Its message is a placeholder first, which becomes the answer. It is due when the answer is finished, not before.
    """

    __tablename__ = "deliveries"

    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(32))
    address: Mapped[dict[str, Any]]


class NoticeRow(Posted, Table):
    """A message beside the answers: `key` says what it is about, so a second one is the same one."""

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(32))
    address: Mapped[dict[str, Any]]
    text: Mapped[str] = mapped_column(Text, default="")
    people: Mapped[list[Any]] = mapped_column(default=list)
    room: Mapped[str | None] = mapped_column(String(255))
    question_id: Mapped[str | None] = mapped_column(ForeignKey("questions.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class EscalationRow(Table):
    """Somebody wants a person to answer: once for each question."""

    __tablename__ = "escalations"

    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"), primary_key=True)
    asked_by: Mapped[str] = mapped_column(String(255))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    resolved_by: Mapped[str | None] = mapped_column(String(255))
    resolved_at: Mapped[datetime | None]


class RoomRow(Table):
    """How the assistant behaves in one room. Seeded by a file, changed by admins; what stands here rules."""

    __tablename__ = "rooms"

    room: Mapped[str] = mapped_column(String(255), primary_key=True)
    settings: Mapped[dict[str, Any]]
    updated_by: Mapped[str] = mapped_column(String(255))
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class InstallationRow(Table):
    """A workspace that has installed us at `updated_at`, with its tokens encrypted. `lease_until` is held by whoever
    renews them."""

    __tablename__ = "installations"

    workspace: Mapped[str] = mapped_column(String(255), primary_key=True)
    channel: Mapped[str] = mapped_column(String(32))
    bot_user: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    installed_by: Mapped[str] = mapped_column(String(255), default="")
    updated_at: Mapped[datetime] = mapped_column(default=now)


class PlaceRow(Table):
    """A person or a room that a platform let us know how to reach. `gone_at`: we were removed there."""

    __tablename__ = "places"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    channel: Mapped[str] = mapped_column(String(32), index=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    data: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime] = mapped_column(default=now)
    gone_at: Mapped[datetime | None]


class SignInStateRow(Table):
    """A sign-in that was begun and may be finished once."""

    __tablename__ = "sign_in_states"

    state: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class FeedbackRow(Table):
    """What one person thinks of one answer; changing one's mind changes the row. No thumb: a better answer alone.
    `source` is where the better answer stands, in the person's words; `via` is how the thumb was given. `burst` names
    the alarm about many suggestions that say nearly the same; such a one is shown to reviewers and pre-fills
    nothing."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("answer_id", "person"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), index=True)
    person: Mapped[str] = mapped_column(String(255), index=True)
    thumb: Mapped[str | None] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(32))
    comment: Mapped[str | None] = mapped_column(Text)
    correction: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    via: Mapped[str] = mapped_column(String(16), default="click")
    burst: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now, index=True)


class OutboxRow(Table):
    """A job written in the transaction that needs it, sent after the commit. Sent rows are deleted."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    task: Mapped[str] = mapped_column(String(80))
    queue: Mapped[str] = mapped_column(String(32))
    args: Mapped[list[Any]]
    not_before: Mapped[datetime] = mapped_column(default=now, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


# --- documents -------------------------------------------------------------------------------------------------------


class SourceRow(Table):
    """A folder or file that was registered once and is read again by the schedule. `may_leave`: whether its documents
    may be shown to models outside the house; none: the source says nothing."""

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("tenant", "location"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    tenant: Mapped[str] = mapped_column(String(80))
    location: Mapped[str] = mapped_column(Text)
    allow: Mapped[list[Any]]
    trusted: Mapped[bool] = mapped_column(default=True)
    may_leave: Mapped[bool | None]
    lease_until: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class DocumentRow(Table):
    """One document; `key` is its path (or row id) within the source, `trusted` is false where outsiders may write,
    `may_leave` is true where models outside the house may be shown it.

    `fingerprint` is empty while the index may still hold another state of it than this row.
    """

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("source_id", "tenant", "key"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id"), index=True)
    key: Mapped[str] = mapped_column(Text)
    tenant: Mapped[str] = mapped_column(String(80), index=True)
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    version: Mapped[str | None] = mapped_column(String(80))
    supersedes: Mapped[str | None] = mapped_column(Text)
    superseded: Mapped[bool] = mapped_column(default=False)
    trusted: Mapped[bool] = mapped_column(default=True)
    may_leave: Mapped[bool] = mapped_column(default=False)
    sensitivity: Mapped[str] = mapped_column(String(40), default="")
    reader_set_id: Mapped[int] = mapped_column(ForeignKey("reader_sets.id"))
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    content_hash: Mapped[str] = mapped_column(String(64), default="")
    text: Mapped[str] = mapped_column(Text, deferred=True, default="")
    chunks: Mapped[int] = mapped_column(default=0)
    modified_at: Mapped[datetime | None]
    indexed_at: Mapped[datetime] = mapped_column(default=now)

    reader_set: Mapped[ReaderSetRow] = relationship(lazy="joined")


class ReaderSetRow(Table):
    """A distinct set of groups that may read something. The index stores its number, so no name reaches a query."""

    __tablename__ = "reader_sets"
    __table_args__ = (UniqueConstraint("tenant", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(64))
    groups: Mapped[list[Any]]


# --- ourselves -------------------------------------------------------------------------------------------------------


class ProcessRow(Table):
    """A running process of ours, as it last said of itself."""

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(128))
    pid: Mapped[int]
    resident_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    seen_at: Mapped[datetime] = mapped_column(default=now)
