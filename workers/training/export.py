"""A dataset for other tools: JSON lines as we keep them, tables, or a folder that Hugging Face's `datasets` loads.

A copy that leaves this installation is reached by no erasure.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from answerloop.errors import ConfigurationError
from workers.training import dataset_files
from workers.training.frozen_test import as_row
from workers.training.rows import TEST, TRAIN, VALIDATION, Dataset, TrainingRow

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CARD = """---
configs:
- config_name: rows
  default: true
  data_files:
  - split: train
    path: rows/train.jsonl
  - split: validation
    path: rows/validation.jsonl
- config_name: test
  data_files:
  - split: test
    path: test/test.jsonl
language: en
pretty_name: answerloop training rows
task_categories:
- question-answering
---

# Rows that an adapter learns, and the questions it is judged by

Made by answerloop from what people of one company have approved. Dataset `{hash}`, test version {test_version}.

| split | rows |
|---|---|
{table}

- **rows**: `prompt` and `completion` are messages, as the assistant is asked and should have said; `weight` is of the
  loss. With TRL: `SFTConfig(completion_only_loss=True)`.
- **test**: questions with accepted answers and the documents that hold them. Never train on them: no family of
  questions and no document is on both sides.
- Personal data is masked, and every row stands on documents that the whole company may read. It is the company's text
  all the same: not for the public.
- A copy of this folder is reached by no erasure. Delete it when it has done its work.
"""


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    HF = "hf"


def export(dataset: Dataset, folder: Path, kind: Format) -> None:
    """Into a folder that is empty or not there yet. Raises ConfigurationError where it is not."""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty: name a folder of its own.")
    if kind is Format.JSONL:
        dataset_files.write(dataset, folder)
        return
    for name, content in (_tables if kind is Format.CSV else _hugging_face)(dataset).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(content, encoding="utf-8", newline="")


# --- tables ----------------------------------------------------------------------------------------------------------


def _tables(dataset: Dataset) -> Mapping[str, str]:
    return {
        "train.csv": _table(map(_flat, dataset.train)),
        "validation.csv": _table(map(_flat, dataset.validation)),
        "test.csv": _table({**as_row(each), "answers": _json(each.answers)} for each in dataset.test),
    }


def _flat(row: TrainingRow) -> dict[str, Any]:
    system, *_, asked = (message.content for message in row.messages)
    return {
        "id": row.id,
        "kind": str(row.kind),
        "system": system,
        "prompt": asked,
        "completion": row.completion,
        "weight": row.weight,
        "family": row.family,
        "documents": " ".join(row.documents),
    }


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    found = [{name: _cell(value) for name, value in row.items()} for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(found[0]) if found else ["id"])
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


def _cell(value: Any) -> str:
    """What a spreadsheet would run gets an apostrophe in front."""
    text = " ".join(value) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


# --- Hugging Face ----------------------------------------------------------------------------------------------------


def _hugging_face(dataset: Dataset) -> Mapping[str, str]:
    rows = dataset.manifest["rows"]
    table = "\n".join(f"| {name.removesuffix('.jsonl')} | {rows[name]} |" for name in (TRAIN, VALIDATION, TEST))
    return {
        f"rows/{TRAIN}": _lines(map(_conversation, dataset.train)),
        f"rows/{VALIDATION}": _lines(map(_conversation, dataset.validation)),
        f"test/{TEST}": _lines(map(as_row, dataset.test)),
        "README.md": CARD.format(hash=dataset.hash, test_version=dataset.test_version, table=table),
    }


def _conversation(row: TrainingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": str(row.kind),
        "prompt": [{"role": message.role, "content": message.content} for message in row.messages],
        "completion": [{"role": "assistant", "content": row.completion}],
        "weight": row.weight,
        "family": row.family,
    }


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{_json(row)}\n" for row in rows)


def _json(value: Mapping[str, Any] | Sequence[str]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
