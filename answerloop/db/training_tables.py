"""The tables of training: nights, adapters, what they were trained on, and the frozen questions they are judged by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from answerloop.db.tables import Table, new_id, now


class TrainingRunRow(Table):
    """One night, from its dataset to its decision. `step` is the one under way or, of a run that broke off, the one to
    go on with. `record` (train.py), `ladder` (evaluate.py) and `decision` (gate.py) are as their files are."""

    __tablename__ = "training_runs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    state: Mapped[str] = mapped_column(String(16), default="running", index=True)
    step: Mapped[str] = mapped_column(String(16), default="dataset")
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    dataset: Mapped[str] = mapped_column(String(64), default="", index=True)
    dataset_manifest: Mapped[dict[str, Any]] = mapped_column(default=dict)
    test_version: Mapped[int] = mapped_column(default=0)
    adapter: Mapped[str] = mapped_column(String(80), default="")
    outcome: Mapped[str] = mapped_column(String(16), default="")
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    record: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ladder: Mapped[dict[str, Any]] = mapped_column(default=dict)
    decision: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=now, index=True)
    finished_at: Mapped[datetime | None]


class AdapterRow(Table):
    """An adapter that was trained here. What is live says the pointer of the `AdapterStore`, not this row; `state` is
    what became of it. `tainted_because`: it has learned from something that was erased since."""

    __tablename__ = "adapters"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("training_runs.id"), index=True)
    dataset: Mapped[str] = mapped_column(String(64), index=True)
    base_model: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16), default="candidate", index=True)
    tainted_at: Mapped[datetime | None]
    tainted_because: Mapped[str] = mapped_column(String(255), default="")
    watch: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class DatasetSourceRow(Table):
    """Something that a dataset has rows of: an answer, a document or a person, so that its erasure finds the dataset
    and the adapters trained on it. Only what adapters may have learned: of test rows nothing is learned."""

    __tablename__ = "dataset_sources"

    dataset: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    ref: Mapped[str] = mapped_column(String(255), primary_key=True)

    __table_args__ = (Index("ix_dataset_sources_ref", "kind", "ref"),)


class TestVersionRow(Table):
    """A state of the frozen test set. It grows in steps and shrinks by erasure alone; `spent_before` is how many
    decisions were made on the versions whose error budget it goes on with."""

    __test__ = False
    __tablename__ = "test_versions"

    version: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(default=0)
    spent_before: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class TestQuestionRow(Table):
    """A question that no adapter is ever trained on, nor on one like it (`family`). `row` is the line of a
    questions.jsonl; empty after erasure."""

    __test__ = False
    __tablename__ = "test_questions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(80), index=True)
    family: Mapped[str] = mapped_column(String(64), index=True)
    answer_id: Mapped[str] = mapped_column(String(32), index=True)
    documents: Mapped[list[Any]] = mapped_column(default=list)
    row: Mapped[dict[str, Any]] = mapped_column(JSON)
    since: Mapped[int]
    until: Mapped[int | None]
    removed_because: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
