"""Everything but the model: from the row of a question to the delivery of its answer, on real processes.

A whole installation is started with the extractive generator on at least 1,000 chunks; questions come one at a time.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from answerloop import metrics
from answerloop.cli.console import progress_bar
from answerloop.testing.installation import RunningInstallation, until
from benchmarks.report import Bar, make_report, publish
from workers.evaluation import read_questions

BARS = {"p50_ms": Bar(most=100.0)}
WARM_UP = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with documents.jsonl and questions.jsonl")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, default=100, help="questions")
    options = parser.parse_args()
    questions = [row.question for row in read_questions(options.data / "questions.jsonl", "default")]
    figures = measure(options.data / "documents.jsonl", questions[: options.limit])
    publish(make_report("overhead", options.data.name, figures, BARS), options.json)


def measure(documents: Path, questions: list[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder:
        installation = RunningInstallation(Path(folder) / "state", documents.resolve())
        installation.start()
        try:
            steps: dict[str, list[float]] = {}
            whole = []
            with progress_bar("asking") as progress:
                for done, question in enumerate([*questions[:WARM_UP], *questions]):
                    progress(done, len(questions) + WARM_UP, question)
                    asked = installation.ask(question)
                    seconds = until(lambda: installation.delivery_seconds(asked), pause=0.01)  # noqa: B023
                    if done >= WARM_UP:
                        whole.append(seconds * 1000)
                        for step, took in installation.snapshot(asked)["details"]["timings_ms"].items():
                            steps.setdefault(step, []).append(took)
            chunks = installation.chunks()
        finally:
            installation.stop()
    figures = {"chunks": float(chunks), "n": float(len(whole))}
    figures |= {f"p{q}_ms": metrics.percentile(whole, q) for q in (50, 90, 99)}
    return figures | {f"{step}_p50_ms": metrics.percentile(took, 50) for step, took in steps.items()}


if __name__ == "__main__":
    main()
