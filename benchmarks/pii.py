"""How much personal data is masked, and how much of what is masked is personal.

A gold span counts as masked when every letter and digit of it is covered by what was masked, under whatever type.

- `structured_masked`: share of the masked among gold spans that have a form and 300 generated ones (e-mail, IP, IBAN).
- `person_recall`: share of the gold spans of type PERSON that are masked.
- `precision`: share of what was masked that touches a gold span of any type.
- `precision_strict`: the same for gold spans of a type that is to be masked at all: a place that is masked as a person
  is an error here.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faker import Faker

from answerloop.backends.redactor_presidio import PresidioRedactor
from answerloop.cli.console import progress_bar
from answerloop.domain import Finding
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish

BARS = {"structured_masked": Bar(least=0.98), "person_recall": Bar(least=0.88), "precision": Bar(least=0.90)}
STRUCTURED = frozenset(
    {
        *("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE"),
        *("US_SSN", "IP_ADDRESS", "DOMAIN_NAME", "URL"),
    }
)
TO_BE_MASKED = STRUCTURED | {"PERSON"}
GENERATED_OF_EACH = 100
SEED = 7


@dataclass(frozen=True, slots=True)
class Gold:
    type: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    spans: tuple[Gold, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with rows.jsonl")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, help="only the first rows")
    options = parser.parse_args()
    lines = (options.data / "rows.jsonl").read_text().splitlines()[: options.limit]
    rows = [_row(json.loads(line)) for line in lines if line.strip()]
    publish(make_report("pii", options.data.name, measure([*rows, *generated()]), BARS), options.json)


def _row(row: dict[str, Any]) -> Row:
    return Row(row["text"], tuple(Gold(span["type"], span["start"], span["end"]) for span in row["spans"]))


def generated() -> Iterator[Row]:
    """Addresses and account numbers in sentences, the same ones every time."""
    fake = Faker(["en_GB", "de_DE", "fr_FR", "nl_NL", "it_IT", "pl_PL"])
    fake.seed_instance(SEED)
    for number in range(GENERATED_OF_EACH):
        yield _sentence("EMAIL_ADDRESS", "Please write to {} about this.", fake.unique.email())
        yield _sentence("IP_ADDRESS", "I cannot log in from {}.", fake.ipv6() if number % 2 else fake.ipv4())
        yield _sentence("IBAN_CODE", "Is {} still my account for the salary?", fake.iban())


def _sentence(type_: str, template: str, value: str) -> Row:
    start = template.index("{}")
    return Row(template.format(value), (Gold(type_, start, start + len(value)),))


def measure(rows: Sequence[Row]) -> dict[str, float]:
    settings = load_settings()
    started = time.perf_counter()
    redactor = PresidioRedactor(settings.masked_types, settings.redaction_language, settings.redaction_regions)
    loaded = time.perf_counter()
    count: Counter[str] = Counter()
    with progress_bar("masking") as progress:
        for done, row in enumerate(rows):
            progress(done, len(rows), "")
            count += judge(row, redactor.find(row.text))
    return {
        "structured_masked": count["structured_masked"] / max(1, count["structured"]),
        "structured_n": float(count["structured"]),
        "person_recall": count["person_masked"] / max(1, count["person"]),
        "person_n": float(count["person"]),
        "precision": count["touching"] / max(1, count["found"]),
        "precision_strict": count["rightly"] / max(1, count["found"]),
        "precision_n": float(count["found"]),
        "load_seconds": loaded - started,
        "ms_per_text": (time.perf_counter() - loaded) * 1000 / max(1, len(rows)),
    }


def judge(row: Row, found: Sequence[Finding]) -> Counter[str]:
    covered = {place for finding in found for place in range(finding.start, finding.end)}
    count: Counter[str] = Counter(found=len(found))
    for span in row.spans:
        masked = all(place in covered for place in range(span.start, span.end) if row.text[place].isalnum())
        kind = "structured" if span.type in STRUCTURED else span.type.lower()
        count.update({kind: 1, f"{kind}_masked": int(masked)})
    for finding in found:
        touched = {span.type for span in row.spans if span.start < finding.end and finding.start < span.end}
        count.update(touching=int(bool(touched)), rightly=int(not touched.isdisjoint(TO_BE_MASKED)))
    return count


if __name__ == "__main__":
    main()
