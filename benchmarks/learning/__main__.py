"""What an adapter brings after so many corrections: the F1 of the direct answer on questions it has not seen, against
the base model behind the same retrieval; on documents that it has seen, and on those it has not.

What is learned are the corrections of the set where it has some, else its questions with their answers; none that
means the same as a question that is asked. Rows, training and pipeline are those of a night, but for the reader, which
speaks second there: this is about the adapter alone. Long: hours, so not part of `make bench`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from answerloop.cli.console import console
from answerloop.settings import load_settings
from benchmarks.learning.course import SETS, course, read_corrections, without_asked
from benchmarks.learning.figures import figures_of, gain
from benchmarks.learning.lesson import Answers, Lesson
from benchmarks.report import Bar, make_report, publish
from workers.evaluation.questions import read_questions
from workers.evaluation.throwaway import throwaway
from workers.training.manners import night_settings

GAIN = 15.0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("samples"), help="folder of the set")
    parser.add_argument("--set", choices=sorted(SETS), default="sample")
    parser.add_argument("--sizes", type=int, nargs="+", default=[25, 50, 100, 150], help="corrections")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="instead of what the parameters say")
    parser.add_argument("--params", type=Path, help="parameters of training that differ from the defaults")
    parser.add_argument("--work", type=Path, help="keep answers in this folder, and take those that are there")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    options = parser.parse_args(arguments)
    figures, details = measure(options)
    bars = {"gain_points": Bar(least=GAIN), "correct_low": Bar(least=-5.0), "abstained_low": Bar(least=-5.0)}
    bars = {key: bar for key, bar in bars.items() if key in figures}
    publish(make_report("learning", options.set, figures, bars), options.json, details)


def measure(options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    files = SETS[options.set]
    rows = read_questions(options.data / files.questions, "default")
    corrections = read_corrections(options.data / files.corrections) if files.corrections else None
    settings = night_settings(load_settings(), threads=len(os.sched_getaffinity(0)))
    with throwaway(settings, options.data / files.documents) as workshop:
        planned = course(rows, corrections, files.kept)
        lesson = Lesson(workshop, options, replace(planned, pool=without_asked(planned, workshop.embedder)))
        if len(lesson.course.pool) < max(options.sizes):
            raise SystemExit(f"There are {len(lesson.course.pool)} corrections to learn from: choose smaller --sizes.")
        base = lesson.base()
        curve: dict[int, list[Answers]] = {size: [] for size in options.sizes}
        for lot in range(options.seeds):
            for size in options.sizes:
                learned_by = lesson.learn_and_ask(size, lot)
                curve[size].append(learned_by.answers)
                lesson.trainings.append(learned_by.training)
                points = 100 * gain(base.answers, [learned_by.answers], "unseen").value
                console.print(f"{size} corrections, seed {lot}: {points:+.1f} points", highlight=False)
        details = {"left_out": lesson.left_out.counts, "trainings": lesson.trainings}
        return figures_of(base.answers, curve), details


if __name__ == "__main__":
    main()
