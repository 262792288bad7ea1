"""A dataset on disk: three files and, last, the manifest. Where that is, the rest is there and as it says."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from answerloop.errors import ConfigurationError
from workers.evaluation.questions import TestQuestion
from workers.training import drafts, families, frozen_test, learned, people, split, suspicion, target
from workers.training.frozen_test import as_row, question
from workers.training.rows import MANIFEST, TEST, TRAIN, VALIDATION, Dataset, hash_of, lines, read_rows

CONSTANTS = {
    "abstention_share": learned.ABSTENTION_SHARE,
    "replay_share": learned.REPLAY_SHARE,
    "test_share": split.TEST_SHARE,
    "validation_share": split.VALIDATION_SHARE,
    "seed": split.SEED,
    "least_fit": target.LEAST_FIT,
    "family_cosine": families.NEAR_COSINE,
    "family_letters": families.NEAR_LETTERS,
    "author_share": people.AUTHOR_SHARE,
    "approver_share": people.APPROVER_SHARE,
    "least_of_one_person": people.LEAST,
    "weights": [drafts.WEIGHT_TWICE, drafts.WEIGHT_ONCE, drafts.WEIGHT_CONFIRMED, learned.REPLAY_WEIGHT],
    "first_test": [frozen_test.FIRST, frozen_test.FIRST_UNANSWERABLE],
    "test_growth": frozen_test.GROWTH,
    "trigger_share": suspicion.TRIGGER_SHARE,
}


def manifest(dataset: Dataset, left_out: Counter[str], form: str, made: Collection[str]) -> dict[str, Any]:
    """`form` is the hash of the prompt's form; `made` are rows that nobody approved as they are: replay, and questions
    that were put without their documents."""
    files = _files(dataset)
    return {
        "hash": hash_of(*files.values()),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "rows": {TRAIN: len(dataset.train), VALIDATION: len(dataset.validation), TEST: len(dataset.test)},
        "kinds": {
            name: dict(sorted(Counter(str(row.kind) for row in rows).items()))
            for name, rows in ((TRAIN, dataset.train), (VALIDATION, dataset.validation))
        },
        "answerable": sum(each.answerable for each in dataset.test),
        "left_out": dict(sorted(left_out.items())),
        "test_version": dataset.test_version,
        "new_rows": dataset.new_rows,
        "suspicions": list(dataset.suspicions),
        "form": form,
        "constants": CONSTANTS,
        "row_ids": [row.id for row in dataset.train if row.id not in made],
    }


def write(dataset: Dataset, folder: Path) -> None:
    """Into a folder that is made. A second time changes nothing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in _files(dataset).items():
        _write(folder / name, content)
    _write(folder / MANIFEST, json.dumps(dict(dataset.manifest), indent=2, ensure_ascii=False).encode())


def read(folder: Path) -> Dataset:
    """Raises ConfigurationError when it is not whole, or not what its manifest says."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for name, wanted in told["files"].items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted:
                raise ConfigurationError(f"{folder / name} is not what the manifest of the dataset says.")
        rows = [json.loads(line) for line in (folder / TEST).read_text(encoding="utf-8").splitlines()]
        return Dataset(
            hash=told["hash"],
            train=read_rows(folder / TRAIN),
            validation=read_rows(folder / VALIDATION),
            test=tuple(question(row) for row in rows),
            test_version=told["test_version"],
            new_rows=told["new_rows"],
            suspicions=tuple(told["suspicions"]),
            manifest=told,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{folder} holds no whole dataset: {error!r}") from None


def _files(dataset: Dataset) -> Mapping[str, bytes]:
    return {TRAIN: lines(dataset.train), VALIDATION: lines(dataset.validation), TEST: question_lines(dataset.test)}


def question_lines(questions: Sequence[TestQuestion]) -> bytes:
    rows = (json.dumps(as_row(each), ensure_ascii=False, sort_keys=True) for each in questions)
    return "".join(f"{row}\n" for row in rows).encode()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
