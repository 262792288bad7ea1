"""Corrections from a file, for demonstrations and trials: as if people had approved them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from answerloop.db.repositories import seeds, training_sources
from answerloop.db.repositories.seeds import Seed
from answerloop.db.session import Database
from answerloop.errors import ConfigurationError

OF_PEOPLE = (
    "People have written {count} corrections here already: what is made up would be learned beside them. "
    "With --force it is loaded all the same."
)
NOT_THERE = "The documents do not say."


def read(path: Path) -> list[Seed]:
    """Lines with `question`, `text` and `document` (or `missing_document`, where no document answers it), and by choice
    who wrote and who approved it. Raises ConfigurationError that names the line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            names = (row.get("suggested_by") or "sample:author", row.get("approved_by") or "sample:reviewer")
            missing = str(row.get("missing_document") or "")
            document = "" if missing else str(row["document"])
            text = NOT_THERE if missing else str(row["text"])
            author, approver = map(str, names)
            found.append(Seed(str(row["question"]), text, document, author, approver, missing))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{path}, line {number} is no correction: {error!r}") from None
    return found


def seed(database: Database, tenant: str, wanted: list[Seed], lasts: timedelta, *, force: bool = False) -> int:
    """How many were new. Raises ConfigurationError where people have written corrections, or a document is missing."""
    with database.writing() as session:
        count = seeds.of_people(session)
        if count and not force:
            raise ConfigurationError(OF_PEOPLE.format(count=count))
        known, ids = seeds.known(session, tenant), training_sources.keys(session, tenant)
        new = [each for each in dict.fromkeys(wanted) if (each.question, each.text) not in known]
        missing = sorted({each.document for each in new if each.document} - ids.keys())
        if missing:
            raise ConfigurationError(f"These documents are not indexed: {', '.join(missing)}.")
        seeds.approve(session, tenant, [(each, ids.get(each.document)) for each in new], lasts)
    return len(new)
