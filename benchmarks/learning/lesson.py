"""One adapter: its rows, its training and what it says to what is asked."""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.cli.console import progress_bar
from answerloop.db.repositories import documents
from benchmarks.learning.course import Correction, Course
from workers.answering.pipeline import Limits, Pipeline
from workers.answering.speakers import Speaker, always
from workers.training.arms import ArmName, Item
from workers.training.drafts import WEIGHT_ONCE, Draft, LeftOut
from workers.training.evaluate import Contestant, answered, as_item
from workers.training.families import families
from workers.training.learned import Learned, learned, replay, with_abstentions
from workers.training.params import load_params
from workers.training.prompts import Serving, look
from workers.training.rows import Kind
from workers.training.train import ADAPTER, train
from workers.wiring import Workshop

VALIDATION = 8
"""One row of so many tells when to stop."""
PATIENCE_SECONDS = 600.0

Answers = Mapping[str, list[Item]]


@dataclass(frozen=True, slots=True)
class Arm:
    """What it said to each part of what is asked, and how it was trained."""

    answers: Answers
    training: Mapping[str, Any]


ARM: TypeAdapter[Arm] = TypeAdapter(Arm)


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
