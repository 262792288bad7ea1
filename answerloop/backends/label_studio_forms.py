"""Audits as Label Studio's tasks, its annotations as judgements; the names are those of `review/label_config.xml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from typing import Any, TypeVar
from urllib.parse import urlsplit

from answerloop.auditing import (
    AuditedTask,
    AuditPassage,
    AuditTask,
    Fault,
    Flag,
    Grounded,
    Judgement,
    Priority,
    Verdict,
)

TARGET = "answer"
MODEL_VERSION = "answerloop"
FIELDS = (
    *("id", "data", "updated_at", "annotations"),
    *("result", "completed_by", "updated_by", "was_cancelled", "created_at", "lead_time"),
)
"""What is read of a task and of its annotations; the whole of both takes five times as long."""

RANK = {priority: place for place, priority in enumerate(Priority)}
ALL = "All by urgency"
"""The first view is where somebody begins who just goes to the project and labels."""
VIEWS = {
    Priority.URGENT: "1 · Urgent",
    Priority.FLAGGED: "2 · Flagged",
    Priority.CANARY: "3 · New model",
    Priority.SAMPLE: "4 · Drawn by lot",
}
FLAGS = {
    Flag.UNSAFE: "may be unsafe",
    Flag.HUMAN: "a person was asked for",
    Flag.THUMB_DOWN: "thumb down",
    Flag.SUGGESTION: "somebody knows better",
}
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    id: str
    """With the moment it was made: after the server was set up anew, the same number is somebody else."""


# --- out -------------------------------------------------------------------------------------------------------------


def form(task: AuditTask) -> dict[str, Any]:
    data = {
        "audit_id": task.audit_id,
        "answer_id": task.answer_id,
        "priority": task.priority.value,
        "rank": RANK[task.priority],
        "question": task.question,
        "answer": task.answer,
        "meta": _meta(task),
        "said_html": _said(task),
        "passages_html": "".join(map(_passage, task.passages)) or '<p class="al-none">No source was found.</p>',
        "documents": [{"value": f"{passage.number} · {passage.title}"} for passage in task.passages],
    }
    return {"data": data, "predictions": [_prediction(task)] if task.suggestion else []}


def _prediction(task: AuditTask) -> dict[str, Any]:
    box = {
        "id": f"correction-{task.audit_id[:12]}",
        "from_name": "correction",
        "to_name": TARGET,
        "type": "textarea",
        "value": {"text": [task.suggestion]},
    }
    return {"model_version": MODEL_VERSION, "score": 1.0, "result": [box]}


def _meta(task: AuditTask) -> str:
    speaker = task.model if task.adapter in ("", "base") else f"{task.model} + {task.adapter}"
    when = task.answered_at.astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")
    return " · ".join(part for part in (task.confidence, task.channel, speaker, when) if part)


def _said(task: AuditTask) -> str:
    flags = "".join(f'<span class="al-flag">{escape(FLAGS[flag])}</span>' for flag in task.flags)
    words = "".join(f"<blockquote>{_text(said)}</blockquote>" for said in task.said)
    return flags + words or '<span class="al-none">Nobody has said anything of it yet.</span>'


def _passage(passage: AuditPassage) -> str:
    title = escape(passage.title)
    if passage.url and urlsplit(passage.url).scheme in ("http", "https"):
        title = f'<a href="{escape(passage.url)}" target="_blank" rel="noopener noreferrer">{title}</a>'
    cited = "al-cited" if passage.cited else "al-near"
    label = "" if passage.cited else ' <span class="al-note">not cited</span>'
    head = f'<h4><span class="al-number">{passage.number}</span> {title}{label}</h4>'
    return f'<section class="{cited}">{head}<p>{_text(passage.text)}</p></section>'


def _text(text: str) -> str:
    return escape(text.strip()).replace("\n", "<br>")


# --- back ------------------------------------------------------------------------------------------------------------


def audited(task: Any, accounts: Mapping[int, Account]) -> AuditedTask | None:
    """None for a task that is not ours: somebody has put it there by hand."""
    audit_id = (task.data or {}).get("audit_id")
    if not isinstance(audit_id, str):
        return None
    task_id = str(task.id)
    judgements = tuple(_judgement(task_id, annotation, accounts) for annotation in task.annotations or ())
    return AuditedTask(task_id, audit_id, moment(task.updated_at), judgements)


def moment(value: datetime | str) -> datetime:
    """The library gives sometimes the one, sometimes the other."""
    parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def last_hand(annotation: Mapping[str, Any]) -> int:
    """Who touched it last; there are no roles, so anybody may change anybody's."""
    who = annotation.get("updated_by") or annotation.get("completed_by")
    return int(who["id"] if isinstance(who, dict) else who or 0)


def _judgement(task_id: str, annotation: Mapping[str, Any], accounts: Mapping[int, Account]) -> Judgement:
    said = {item.get("from_name"): item for item in annotation.get("result") or () if isinstance(item, dict)}
    verdict = _one(Verdict, _choices(said, "verdict"))
    correction, edited = _correction(said.get("correction"))
    if verdict is Verdict.CORRECT and not edited:
        correction = None  # the box was pre-filled and is not even shown
    account = accounts.get(last_hand(annotation), Account("", f"{last_hand(annotation)}@unknown"))
    lead = annotation.get("lead_time")
    return Judgement(
        external_id=f"{task_id}/{annotation['id']}@{annotation['created_at']}",
        task_id=task_id,
        reviewer=account.email,
        verdict=verdict,
        grounded=_one(Grounded, _choices(said, "grounded")),
        faults=tuple(fault for fault in Fault if fault.value in _choices(said, "reasons")),
        correction=correction,
        edited=edited,
        documents=tuple(sorted({int(m.group()) for c in _choices(said, "documents") if (m := re.match(r"\d+", c))})),
        missing_document=_words(said.get("missing_document")),
        lead_seconds=float(lead) if isinstance(lead, int | float) else None,
        updated_at=moment(annotation["updated_at"]),
        skipped=bool(annotation.get("was_cancelled")),
        account=account.id,
    )


def _correction(item: Mapping[str, Any] | None) -> tuple[str | None, bool]:
    words = _words(item)
    return words or None, bool(item and words and item.get("origin") != "prediction")


def _words(item: Mapping[str, Any] | None) -> str:
    text = (item or {}).get("value", {}).get("text") or ()
    return "\n".join([text] if isinstance(text, str) else map(str, text)).strip()


def _choices(said: Mapping[str | None, Mapping[str, Any]], name: str) -> Sequence[str]:
    chosen = said.get(name, {}).get("value", {}).get("choices") or ()
    return [str(choice) for choice in chosen]


def _one(kind: type[Word], chosen: Sequence[str]) -> Word | None:
    return next((member for member in kind if [member.value] == list(chosen)), None)
