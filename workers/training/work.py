"""What a night does, with the real parts: the dataset of this installation, LoRA, and the pipeline of serving."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from answerloop.db.repositories import taint, training_sets
from answerloop.db.repositories.nights import Night
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.domain import BASE_ADAPTER
from answerloop.errors import NightFailed
from answerloop.ports import AdapterStore
from workers.training import dataset_files
from workers.training.arms import ArmName
from workers.training.evaluate import Contestant, Ladder, in_order, ladder
from workers.training.gate import Evidence, decide
from workers.training.loop import Progress
from workers.training.nightly import Judged, Report
from workers.training.params import Params
from workers.training.promote import Promotion
from workers.training.rows import Dataset
from workers.training.student import Student
from workers.training.train import ADAPTER, train

RUNS = "runs"
LEAST_SECONDS = 600.0
"""Also a night that was interrupted for long may train a little more."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where arms are judged: `contestants` are those of a candidate, `served` the one that people hear today; `keys`
    are the names by which questions call documents, by our ids."""

    ladder: Ladder
    keys: Mapping[str, str]
    contestants: Callable[[str, Dataset], tuple[Contestant, ...]]
    served: ArmName


@dataclass(frozen=True, slots=True)
class Parts:
    """`stage` is opened for an evaluation and closed after it: it holds models. `families` are of the test questions,
    by id. `should_pause`: people wait for answers."""

    database: Database
    store: AdapterStore
    promotion: Promotion
    canary_share: float
    build: Callable[[], Dataset]
    student: Callable[[Params], Student]
    stage: Callable[[], AbstractContextManager[Stage]]
    families: Callable[[], Mapping[str, str]]
    should_pause: Callable[[], bool]
    params: Params
    base_model: str
    folder: Path
    seconds: float


class TrainingWork:
    """A `Work`. `seconds` of the parts is how long a night may train."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def dataset(self) -> Dataset:
        """What earlier nights have left is taken away first."""
        shutil.rmtree(self._parts.folder / RUNS, ignore_errors=True)
        built = self._parts.build()
        dataset_files.write(built, self._datasets / built.hash)
        with self._parts.database.reading() as session:
            gone = taint.of_dataset(session, built.hash) or training_sets.version(session) != built.test_version
        if gone:  # erased between the last look and the last byte
            shutil.rmtree(self._datasets / built.hash, ignore_errors=True)
            raise NightFailed("Something was erased while the dataset was written; the next night builds it anew.")
        return built

    def read(self, dataset: str) -> Dataset:
        return dataset_files.read(self._datasets / dataset)

    def fingerprint(self, dataset: Dataset) -> str:
        parts = (
            dataset.hash,
            str(dataset.test_version),
            json.dumps(dataset.suspicions),
            self._parts.params.model_dump_json(),
            self._parts.base_model,
            self._live,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def canary_runs(self) -> bool:
        return self._parts.store.serving().canary is not None

    def train(self, night: Night, dataset: Dataset, report: Report) -> tuple[str, Mapping[str, Any]]:
        parts, work = self._parts, self._work_of(night)
        record = train(
            parts.student(parts.params),
            dataset.train,
            dataset.validation,
            work,
            parts.params,
            dataset=dataset.hash,
            report=lambda progress: report(progress.step, progress.steps, _told(progress)),
            should_pause=parts.should_pause,
            deadline=time.monotonic() + max(LEAST_SECONDS, parts.seconds - (now() - night.started_at).total_seconds()),
        )
        if record.best_step == 0:
            raise NightFailed(f"Nothing was learned: no epoch was better than none ({record.stopped_because}).")
        self._require_clean(dataset.hash)
        name = f"{night.started_at:%Y%m%d}-{night.id[:8]}"
        model = parts.base_model
        parts.promotion.take_in(name, work / ADAPTER, run=night.id, dataset=dataset.hash, base_model=model)
        return name, shown(asdict(record))

    def evaluate(self, night: Night, dataset: Dataset, report: Report) -> Judged:
        parts = self._parts
        shutil.rmtree(self._work_of(night), ignore_errors=True)  # the adapter is stored
        with parts.stage() as stage:
            contestants = stage.contestants(night.adapter, dataset)
            arms = list(in_order(stage.ladder.climb(contestants, dataset.test, report)))
            shown = ladder(arms, dataset.test, stage.served, stage.keys)
        with parts.database.reading() as session:
            spent = training_sets.decisions_spent(session, dataset.test_version)
        decision = decide(
            Evidence(
                arms=tuple(arms),
                served=stage.served,
                test_version=dataset.test_version,
                decisions_spent=spent,
                new_rows=dataset.new_rows,
                suspicions=dataset.suspicions,
                canary_running=self.canary_runs(),
                families=parts.families(),
            )
        )
        return Judged(decision, shown)

    def promote(self, night: Night) -> str:
        self._require_clean(night.dataset)
        serving = self._parts.promotion.begin(night.adapter, self._parts.canary_share)
        return "canary" if serving.canary == night.adapter else "live"

    def discard(self, adapter: str) -> None:
        self._parts.promotion.retire(adapter)

    def tidy(self, night: Night) -> None:
        shutil.rmtree(self._work_of(night), ignore_errors=True)

    def _require_clean(self, dataset: str) -> None:
        with self._parts.database.reading() as session:
            because = taint.of_dataset(session, dataset)
        if because:
            raise NightFailed(f"Something that it has learned from was erased during the night: {because}.")

    @property
    def _live(self) -> str:
        return self._parts.store.serving().live or BASE_ADAPTER

    @property
    def _datasets(self) -> Path:
        return self._parts.folder / "datasets"

    def _work_of(self, night: Night) -> Path:
        return self._parts.folder / RUNS / night.id


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as the dashboard reads it."""
    return {
        "params": record["params"],
        "versions": record["versions"],
        "machine": record["machine"],
        "curves": list(_curve(record["steps"])),
        "epochs": list(record["validations"]),
        "tokens_per_second": record["tokens_per_s"],
        "peak_memory_bytes": record["peak_memory_gb"] * 1e9,
        "seconds": record["seconds"],
        "paused_seconds": record["paused_seconds"],
        "best_step": record["best_step"],
        "stopped_because": record["stopped_because"],
        "trained_rows": record["rows"],
    }


def _curve(steps: Any) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield {"step": step["step"], "loss": step["loss"]}


def _told(progress: Progress) -> str:
    loss = "" if progress.loss is None else f"loss {progress.loss:.2f}, "
    return f"{loss}epoch {progress.epoch} of {progress.epochs}, {progress.tokens_per_s:.0f} tokens/s"
