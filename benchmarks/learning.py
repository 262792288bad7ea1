"""What an adapter brings after so many corrections: the F1 of the direct answer on questions it has not seen, against
the base model behind the same retrieval; on documents that it has seen, and on those it has not.

What is learned are the corrections of the set where it has some, else its questions with their answers; none that
means the same as a question that is asked. Rows, training and pipeline are those of a night. Long: hours, so not part
of `make bench`.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from answerloop import metrics
from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.cli.console import console, progress_bar
from answerloop.db.repositories import documents
from answerloop.ports import Embedder
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish
from workers.answering.pipeline import Limits, Pipeline
from workers.answering.speakers import Speaker, always
from workers.evaluation.questions import TestQuestion, read_questions
from workers.evaluation.throwaway import throwaway
from workers.training import seed
from workers.training.arms import ArmName, Item
from workers.training.comparison import direct_f1
from workers.training.drafts import WEIGHT_ONCE, Draft, LeftOut
from workers.training.evaluate import Contestant, answered, as_item
from workers.training.families import families
from workers.training.learned import Learned, learned, replay, with_abstentions
from workers.training.manners import night_settings
from workers.training.params import load_params
from workers.training.prompts import Serving, look
from workers.training.rows import Kind
from workers.training.train import ADAPTER, train
from workers.wiring import Workshop


@dataclass(frozen=True, slots=True)
class SetFiles:
    """`kept` is the share of the documents that nothing is learned from."""

    documents: str
    questions: str
    corrections: str
    kept: float


SETS = {
    "sample": SetFiles("handbook", "questions.jsonl", "corrections.jsonl", 0.4),
    "xquad-en": SetFiles("documents.jsonl", "questions.jsonl", "", 0.5),
}
GAIN = 15.0
VALIDATION = 8
"""One row of so many tells when to stop."""
MOST = {"unseen": 100, "seen": 30, "unanswerable": 30}
PATIENCE_SECONDS = 600.0


Answers = Mapping[str, list[Item]]


@dataclass(frozen=True, slots=True)
class Arm:
    """What it said to each part of what is asked, and how it was trained."""

    answers: Answers
    training: Mapping[str, Any]


ARM: TypeAdapter[Arm] = TypeAdapter(Arm)


@dataclass(frozen=True, slots=True)
class Correction:
    """Without a text where people found that no document answers it."""

    id: str
    question: str
    text: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """`pool` is what may be learned from; the rest is asked: of its documents, of others, and what no document says."""

    pool: tuple[Correction, ...]
    asked: Mapping[str, tuple[TestQuestion, ...]]


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
                points = 100 * _gain(base.answers, [learned_by.answers], "unseen").value
                console.print(f"{size} corrections, seed {lot}: {points:+.1f} points", highlight=False)
        details = {"left_out": lesson.left_out.counts, "trainings": lesson.trainings}
        return figures_of(base.answers, curve), details


def read_corrections(path: Path) -> list[Correction]:
    return [
        Correction(
            id=f"correction-{at}",
            question=each.question,
            text="" if each.missing_document else each.text,
            documents=(each.document,) if each.document else (),
        )
        for at, each in enumerate(seed.read(path))
    ]


def course(rows: Sequence[TestQuestion], corrections: Sequence[Correction] | None, share: float) -> Course:
    """The same documents are kept away for every seed, so that runs can be compared question by question."""
    names = sorted({name for row in rows for name in row.doc_ids})
    random.Random(0).shuffle(names)  # noqa: S311 - a lot, no secret
    kept = set(names[: round(share * len(names))])
    can = [row for row in rows if row.answerable and row.answers]
    seen = [row for row in can if not kept & set(row.doc_ids)]
    random.Random(1).shuffle(seen)  # noqa: S311
    held = seen[: min(MOST["seen"], len(seen) // 5)] if corrections is None else seen[: MOST["seen"]]
    if corrections is None:
        corrections = [Correction(row.id, row.question, row.answers[0], row.doc_ids) for row in seen[len(held) :]]
    asked = {
        "unseen": [row for row in can if kept & set(row.doc_ids)],
        "seen": held,
        "unanswerable": [row for row in rows if not row.answerable],
    }
    pool = tuple(each for each in corrections if not kept & set(each.documents))
    return Course(pool, {name: tuple(of[: MOST[name]]) for name, of in asked.items()})


def without_asked(course: Course, embedder: Embedder) -> tuple[Correction, ...]:
    asked = [row.question for rows in course.asked.values() for row in rows]
    questions = [*asked, *(each.question for each in course.pool)]
    numbers = families(questions, list(embedder.embed(questions)))
    tested = set(numbers[: len(asked)])
    return tuple(each for each, number in zip(course.pool, numbers[len(asked) :], strict=True) if number not in tested)


class Lesson:
    def __init__(self, workshop: Workshop, options: argparse.Namespace, course: Course) -> None:
        self._workshop = workshop
        self._options = options
        self.course = course
        self._store = FolderAdapterStore(workshop.settings.state.adapters)
        self.left_out = LeftOut()
        self.trainings: list[Mapping[str, Any]] = []
        with workshop.database.reading() as session:
            self._keys = documents.keys(session, "default")
        self._ids = {key: id_ for id_, key in self._keys.items()}
        self._serving = Serving(
            workshop.retriever,
            workshop.language_model,
            workshop.guard,
            workshop.redactor,
            workshop.settings.max_new_tokens,
        )

    def base(self) -> Arm:
        contestant = Contestant(ArmName.BASE, Speaker(self._workshop.language_model))
        return self._kept("base", lambda: Arm(self._ask(contestant), {}))

    def learn_and_ask(self, size: int, lot: int) -> Arm:
        name = f"n{size}-s{lot}"
        return self._kept(name, lambda: self._learn_and_ask(name, size, lot))

    def _kept(self, name: str, make: Callable[[], Arm]) -> Arm:
        if self._options.work is None:
            return make()
        self._options.work.mkdir(parents=True, exist_ok=True)
        file = self._options.work / f"{name}.json"
        if not file.exists():
            file.write_bytes(ARM.dump_json(make()))
        return ARM.validate_json(file.read_bytes())

    def _learn_and_ask(self, name: str, size: int, lot: int) -> Arm:
        pool = list(self.course.pool)
        random.Random(100 + lot).shuffle(pool)  # noqa: S311
        rows = self._rows(pool[:size])
        validation, taught = rows[::VALIDATION], [row for at, row in enumerate(rows) if at % VALIDATION]
        changed = {"epochs": self._options.epochs} if self._options.epochs else {}
        params = load_params(self._options.params, seed=lot, max_minutes=0, **changed)
        with tempfile.TemporaryDirectory() as folder, progress_bar(name) as progress:
            record = train(
                self._workshop.student(params),
                [each.row for each in taught],
                [each.row for each in validation],
                Path(folder),
                params,
                report=lambda at: progress(at.step, at.steps, f"loss {at.loss or 0:.2f}"),
            )
            model = self._workshop.settings.model
            self._store.add(name, Path(folder) / ADAPTER, base_model=model, run=name, dataset=name)
        training = {
            "name": name,
            "rows": len(rows),
            "seconds": record.seconds,
            "tokens_per_s": record.tokens_per_s,
            "validations": [dict(each) for each in record.validations],
            "stopped_because": record.stopped_because,
        }
        contestant = Contestant(ArmName.CANDIDATE, Speaker(self._workshop.language_model, name))
        return Arm(self._ask(contestant), training)

    def _rows(self, chosen: Sequence[Correction]) -> list[Learned]:
        """As a night makes them, with abstentions and replay."""
        drafts = [self._draft(row) for row in chosen]
        looked = [look(draft, "default", self._serving) for draft in drafts]
        numbers = families([draft.question for draft in drafts], [each.vector for each in looked])
        family = {draft.id: str(number) for draft, number in zip(drafts, numbers, strict=True)}
        rows = learned(looked, family, "default", self._serving, self.left_out)
        by_id = {each.draft.id: each for each in looked}
        rows = with_abstentions(rows, by_id, "default", self._serving, self.left_out)
        mixed = [*rows, *replay(len(rows), self._serving)]
        random.Random(7).shuffle(mixed)  # noqa: S311
        return mixed

    def _draft(self, correction: Correction) -> Draft:
        """Everybody has corrected one answer, so that no cap of a person bites."""
        name = correction.id
        return Draft(
            id=name,
            kind=Kind.CORRECTION if correction.text else Kind.ABSTENTION,
            answer_id=name,
            question=correction.question,
            text=correction.text,
            topic="",
            documents=tuple(self._ids[key] for key in correction.documents if key in self._ids),
            author=f"author-{name}",
            approvers=(f"approver-{name}",),
            in_burst=False,
            weight=WEIGHT_ONCE,
            at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    def _ask(self, contestant: Contestant) -> Answers:
        workshop, settings = self._workshop, self._workshop.settings
        limits = Limits(settings.answer_threshold, settings.sure_threshold, settings.max_new_tokens, PATIENCE_SECONDS)
        speaker_for = always(contestant.speaker)
        pipeline = Pipeline(workshop.retriever, speaker_for, workshop.fallback, workshop.guard, limits, workshop.triage)
        return {
            name: [as_item(row, answered(contestant, pipeline, row.asked, row.id), self._keys) for row in rows]
            for name, rows in self.course.asked.items()
        }


# --- figures ---------------------------------------------------------------------------------------------------------


def figures_of(base: Answers, curve: Mapping[int, list[Answers]]) -> dict[str, float]:
    """Points (0 to 100). `gain_…`, `correct_…` and `abstained_…` are of the largest size: mean and 95 % interval over
    questions, each with the mean of its seeds; the first two on unseen documents."""
    largest = max(curve)
    gain, seen = _gain(base, curve[largest], "unseen"), _gain(base, curve[largest], "seen")
    correct = _difference(base, curve[largest], "unseen", lambda item: float(item.correct))
    figures = {
        **_points("gain", gain, "gain_points"),
        **_points("gain_seen", seen, "gain_seen_points"),
        **_points("correct", correct, "correct_points"),
    }
    if base["unanswerable"]:
        figures |= _points(
            "abstained",
            _difference(base, curve[largest], "unanswerable", lambda item: float(not item.answered)),
            "abstained_points",
        )
    for part in ("unseen", "seen"):
        figures[f"base_f1_{part}"] = 100 * statistics.mean(map(direct_f1, base[part]))
        for size, runs in curve.items():
            figures[f"f1_{part}_{size}"] = 100 * statistics.mean(direct_f1(item) for run in runs for item in run[part])
    for size, runs in curve.items():
        figures[f"gain_{size}_points"] = 100 * _gain(base, runs, "unseen").value
    return figures


def _gain(base: Answers, runs: Sequence[Answers], part: str) -> metrics.Estimate:
    return _difference(base, runs, part, direct_f1)


def _difference(
    base: Answers,
    runs: Sequence[Answers],
    part: str,
    score: Callable[[Item], float],
) -> metrics.Estimate:
    of_seeds = [statistics.mean(score(run[part][at]) for run in runs) for at in range(len(base[part]))]
    return metrics.paired_difference(of_seeds, [score(item) for item in base[part]], seed=0)


def _points(name: str, estimate: metrics.Estimate, value: str) -> dict[str, float]:
    return {value: 100 * estimate.value, f"{name}_low": 100 * estimate.low, f"{name}_high": 100 * estimate.high}


if __name__ == "__main__":
    main()
