"""What a dataset is made of, and how it lies on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from answerloop.domain import Message
from workers.evaluation.questions import TestQuestion

MANIFEST = "manifest.json"
TRAIN, VALIDATION, TEST = "train.jsonl", "validation.jsonl", "test.jsonl"


class Kind(StrEnum):
    CORRECTION = "correction"  # approved by people
    CONFIRMED = "confirmed"  # an answer that people found correct
    ABSTENTION = "abstention"  # evidence that does not answer it
    REPLAY = "replay"  # general rows, against forgetting


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A prompt as it is served, and the reply to learn. `family`: rows of questions that mean the same share it.
    `answer_id` and `documents` are where it comes from; none for replay. `weight` is of its loss."""

    id: str
    kind: Kind
    messages: tuple[Message, ...]
    completion: str
    weight: float
    family: str
    answer_id: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """`hash` is of the bytes of all its files but the manifest. `test` is the frozen set of `test_version`;
    `new_rows` are rows to learn that no earlier decision has seen; `suspicions` are sentences, each of which stops a
    night."""

    hash: str
    train: tuple[TrainingRow, ...]
    validation: tuple[TrainingRow, ...]
    test: tuple[TestQuestion, ...]
    test_version: int
    new_rows: int
    suspicions: tuple[str, ...]
    manifest: Mapping[str, Any]


def lines(rows: Sequence[TrainingRow]) -> bytes:
    """The same rows give the same bytes."""
    return b"".join(_line(asdict(row)) for row in rows)


def read_rows(path: Path) -> tuple[TrainingRow, ...]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return tuple(
        TrainingRow(
            **{
                **row,
                "kind": Kind(row["kind"]),
                "messages": tuple(Message(**message) for message in row["messages"]),
                "documents": tuple(row["documents"]),
            }
        )
        for row in rows
    )


def hash_of(*files: bytes) -> str:
    """SHA-256 over the hashes, so that nothing can move from one file to the next unseen."""
    return hashlib.sha256(b"".join(hashlib.sha256(file).digest() for file in files)).hexdigest()


def _line(row: Mapping[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n").encode()
