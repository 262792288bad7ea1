"""The rows of a questions.jsonl."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from answerloop.domain import EVERYONE, PUBLIC, Audience, Turn
from answerloop.errors import ConfigurationError
from workers.answering.pipeline import Asked


@dataclass(frozen=True, slots=True)
class TestQuestion:
    """A question with the answers it may get and the documents that hold them, asked with the rights of its groups."""

    __test__ = False  # pytest would take it for a test

    id: str
    question: str
    answers: tuple[str, ...]
    doc_ids: tuple[str, ...]
    answerable: bool
    tenant: str
    groups: frozenset[str]
    history: tuple[Turn, ...]

    @property
    def asked(self) -> Asked:
        return Asked(self.question, self.history, Audience.of_person(self.tenant, self.groups))


def read_questions(path: Path, default_tenant: str) -> list[TestQuestion]:
    """Raises ConfigurationError that names the line."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            rows.append(
                TestQuestion(
                    id=str(row["id"]),
                    question=str(row["question"]),
                    answers=tuple(row.get("answers") or ()),
                    doc_ids=tuple(row.get("doc_ids") or ()),
                    answerable=bool(row.get("answerable", True)),
                    tenant=str(row.get("tenant") or default_tenant),
                    groups=frozenset(row.get("groups") or (EVERYONE,)) | {PUBLIC},
                    history=tuple(Turn(t["question"], t["answer"]) for t in row.get("history") or ()),
                )
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}, line {number} is not a question: {error!r}") from None
    if not rows:
        raise ConfigurationError(f"{path} holds no questions.")
    return rows
