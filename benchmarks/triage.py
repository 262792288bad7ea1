"""Are questions that need a person told apart from those for the documents?

On labelled questions that are no examples of `workers.answering.nearest`, and on sets of ordinary questions."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from answerloop import metrics
from answerloop.domain import Concern
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish
from workers.answering.safety import Triage
from workers.wiring import Workshop

SAMPLES = Path("samples")
ORDINARY = ("handbook-18f", "policyqa", "xquad-en")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public sets")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, help="only the first questions of each set")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        triage = Workshop(load_settings(home=Path(home)), "triage").triage
        figures = labelled(triage, SAMPLES / "triage.jsonl", options.limit)
        sets = {"sample": SAMPLES / "questions.jsonl"}
        sets |= {name: options.data / name / "questions.jsonl" for name in ORDINARY}
        for name, path in sets.items():
            figures |= false_alarms(triage, name, path, options.limit)
    bars = {f"{name}_false_alarms": Bar(most=0) for name in sets}
    publish(make_report("triage", options.data.name, figures, bars), options.json)


def labelled(triage: Triage, path: Path, limit: int | None) -> dict[str, float]:
    rows = _rows(path)[:limit]
    pairs = [(row["concern"], _concern(triage, row["text"])) for row in rows]
    wanted = [got == want for want, got in pairs if want]
    raised = [got == want for want, got in pairs if got]
    recall, precision = metrics.proportion(sum(wanted), len(wanted)), metrics.proportion(sum(raised), len(raised))
    by_kind = {
        f"recall_{concern}": sum(got == want for want, got in pairs if want == concern)
        / max(sum(want == concern for want, _ in pairs), 1)
        for concern in Concern
    }
    return {
        "n": float(len(rows)),
        **{"recall": recall.value, "recall_low": recall.low, "recall_high": recall.high},
        **{"precision": precision.value, "precision_low": precision.low, "precision_high": precision.high},
        **by_kind,
    }


def false_alarms(triage: Triage, name: str, path: Path, limit: int | None) -> dict[str, float]:
    rows = [row for row in _rows(path)[:limit] if row.get("kind") != "off_topic"]
    return {
        f"{name}_n": float(len(rows)),
        f"{name}_false_alarms": float(sum(_concern(triage, row["question"]) is not None for row in rows)),
    }


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _concern(triage: Triage, question: str) -> str | None:
    finding = triage.look_at(question)
    return finding.concern.value if finding and finding.reply else None


if __name__ == "__main__":
    main()
