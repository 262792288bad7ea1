"""A night's parts, chosen by the settings. Importing this loads torch: the training worker alone does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.backends.local_models.weights import model_folder
from answerloop.db.repositories import training_sets
from answerloop.domain import BASE_ADAPTER
from workers.answering.pipeline import Limits, Pipeline
from workers.answering.speakers import Speaker, always
from workers.training import dataset
from workers.training.arms import ArmName
from workers.training.evaluate import AT_ONCE, Contestant, Ladder, shots
from workers.training.forgetting import perplexities
from workers.training.manners import Manners
from workers.training.nightly import Hours, Nightly
from workers.training.params import load_params
from workers.training.prompts import Serving
from workers.training.rows import Dataset
from workers.training.suites import neutral_texts, suites
from workers.training.work import Parts, Stage, TrainingWork
from workers.wiring import Workshop

PATIENCE_SECONDS = 600.0
"""For one answer of an arm: eight are written at once, on one thread."""


def nightly(workshop: Workshop, manners: Manners, threads: int = 1) -> Nightly:
    """`threads` of the CPU; more than one only where nobody else wants them. Raises ConfigurationError."""
    settings = workshop.settings
    params = load_params(settings.training_params)
    params = params.model_copy(update={"threads": params.threads or threads})
    serving = _Late(lambda: _serving(workshop))
    parts = Parts(
        database=workshop.database,
        store=workshop.adapters,
        promoter=workshop.promoter,
        build=lambda: dataset.build(workshop.database, settings.tenant, serving()),
        student=workshop.student,
        stage=lambda: _stage(workshop, manners, params.threads),
        families=lambda: _families(workshop),
        should_pause=manners.should_pause,
        params=params,
        base_model=settings.model,
        folder=settings.state.training,
        seconds=settings.night_hours * 3600,
    )
    hours = Hours(settings.night_at, settings.time_zone, timedelta(hours=settings.night_hours))
    return Nightly(workshop.database, TrainingWork(parts), workshop.notifier, workshop.heartbeat, hours)


class _Late:
    """Built when it is first needed: what it holds takes memory all day long."""

    def __init__(self, build: Callable[[], Serving]) -> None:
        self._build = build
        self._built: Serving | None = None

    def __call__(self) -> Serving:
        if self._built is None:
            self._built = self._build()
        return self._built


def _serving(workshop: Workshop) -> Serving:
    return Serving(
        workshop.retriever,
        workshop.language_model,
        workshop.guard,
        workshop.redactor,
        workshop.settings.max_new_tokens,
    )


def _families(workshop: Workshop) -> dict[str, str]:
    with workshop.database.reading() as session:
        return {each.id: each.family for each in training_sets.frozen(session, workshop.settings.tenant)}


@contextmanager
def _stage(workshop: Workshop, manners: Manners, threads: int) -> Iterator[Stage]:
    """The language model once more, in float32 where the CPU computes: only that does not change with the batch."""
    settings = workshop.settings
    folder = model_folder(settings.model, settings.effective_models_folder)
    model = TransformersGenerator.load(
        folder,
        name=settings.model,
        device=settings.device,
        dtype=settings.dtype if settings.device.startswith("cuda") else "float32",
        threads=threads,
        batch_size=AT_ONCE,
        adapters=settings.state.adapters,
    )
    try:
        with suites(settings, lambda other, speaker: _pipeline(workshop, other.retriever, speaker)) as cases:
            ladder = Ladder(
                lambda speaker: _pipeline(workshop, workshop.retriever, speaker), cases, {}, manners.breathe
            )
            yield Stage(ladder, lambda name, rows: _contestants(workshop, model, folder, name, rows), _served(workshop))
    finally:
        model.close()


def _pipeline(workshop: Workshop, retriever: Any, speaker: Speaker) -> Pipeline:
    settings = workshop.settings
    limits = Limits(settings.answer_threshold, settings.sure_threshold, settings.max_new_tokens, PATIENCE_SECONDS)
    return Pipeline(retriever, always(speaker), workshop.fallback, workshop.guard, limits, workshop.triage)


def _served(workshop: Workshop) -> ArmName:
    if workshop.adapters.serving().live not in (None, BASE_ADAPTER):
        return ArmName.LIVE
    return {"reader": ArmName.SERVED, "extractive": ArmName.QUOTE}.get(workshop.settings.generator, ArmName.BASE)


def _contestants(
    workshop: Workshop, model: TransformersGenerator, folder: str, candidate: str, rows: Dataset
) -> tuple[Contestant, ...]:
    live = workshop.adapters.serving().live
    adapters = [candidate, *([live] if live not in (None, BASE_ADAPTER) else [])]
    folders = [workshop.settings.state.adapters / str(name) for name in adapters]
    base, *others = perplexities(folder, [None, *folders], neutral_texts())
    of = dict(zip(adapters, others, strict=True))
    found = [Contestant(ArmName.QUOTE, Speaker(workshop.fallback))]
    if workshop.settings.generator == "reader":
        found.append(Contestant(ArmName.SERVED, Speaker(workshop.generator)))
    found.append(Contestant(ArmName.BASE, Speaker(model), base))
    examples = shots(rows.train)
    if examples:
        found.append(Contestant(ArmName.FEW_SHOT, Speaker(model, BASE_ADAPTER, examples), base))
    if len(adapters) > 1:
        found.append(Contestant(ArmName.LIVE, Speaker(model, str(live)), of[str(live)]))
    return (*found, Contestant(ArmName.CANDIDATE, Speaker(model, candidate), of[candidate]))


