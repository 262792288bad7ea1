"""A night's parts, chosen by the settings. Importing this loads torch: the training worker alone does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from answerloop.backends.local_models.weights import model_folder
from answerloop.db.repositories import documents, training_sets
from answerloop.domain import BASE_ADAPTER
from workers.answering.pipeline import Limits, Pipeline
from workers.answering.speakers import Speaker, always
from workers.training import dataset
from workers.training.arms import ArmName
from workers.training.evaluate import Contestant, Ladder, Remembering, shots
from workers.training.forgetting import perplexities
from workers.training.manners import Manners
from workers.training.nightly import Hours, Nightly
from workers.training.params import Params, load_params
from workers.training.parts import parts_of
from workers.training.rows import Dataset
from workers.training.student import Student
from workers.training.suites import neutral_texts, suites
from workers.training.work import Parts, Stage, TrainingWork
from workers.wiring import prepare_language_model
from workers.wiring.rooms import Rooms

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 600.0
"""For one answer of an arm: eight are written at once, on one thread."""


def nightly(workshop: Rooms, manners: Manners) -> Nightly:
    """The workshop's settings are those of a night. Raises ConfigurationError."""
    settings = workshop.settings
    params = load_params(settings.training_params)
    params = params.model_copy(update={"threads": params.threads or settings.threads})
    serving = parts_of(workshop)
    parts = Parts(
        database=workshop.database,
        store=workshop.adapters,
        promotion=workshop.promotion,
        canary_share=settings.canary_share,
        build=lambda: dataset.build(workshop.database, settings.tenant, serving),
        student=lambda params: _student(workshop, params),
        stage=lambda: _stage(workshop, manners),
        families=lambda: _families(workshop),
        should_pause=manners.should_pause,
        params=params,
        base_model=settings.model,
        folder=settings.state.training,
        seconds=settings.night_hours * 3600,
    )
    hours = Hours(settings.night_at, settings.time_zone, timedelta(hours=settings.night_hours))
    return Nightly(workshop.database, TrainingWork(parts), workshop.notifier, workshop.heartbeat, hours)


def _student(workshop: Rooms, params: Params) -> Student:
    prepare_language_model(workshop.settings, log.info)
    return workshop.student(params)


def _families(workshop: Rooms) -> dict[str, str]:
    with workshop.database.reading() as session:
        return {each.id: each.family for each in training_sets.frozen(session, workshop.settings.tenant)}


def _keys(workshop: Rooms) -> dict[str, str]:
    with workshop.database.reading() as session:
        return documents.keys(session, workshop.settings.tenant)


@contextmanager
def _stage(workshop: Rooms, manners: Manners) -> Iterator[Stage]:
    settings = workshop.settings
    with suites(settings, lambda other, speaker: _pipeline(workshop, other.retriever, speaker)) as cases:
        keys = _keys(workshop)
        retriever = Remembering(workshop.retriever)
        ladder = Ladder(lambda speaker: _pipeline(workshop, retriever, speaker), cases, keys, manners.breathe)
        try:
            yield Stage(ladder, keys, lambda name, rows: _contestants(workshop, name, rows), _served(workshop))
        finally:
            workshop.put_language_model_away()


def _pipeline(workshop: Rooms, retriever: Any, speaker: Speaker) -> Pipeline:
    settings = workshop.settings
    limits = Limits(settings.answer_threshold, settings.sure_threshold, settings.max_new_tokens, PATIENCE_SECONDS)
    return Pipeline(retriever, always(speaker), workshop.fallback, workshop.guard, limits, workshop.triage)


def _served(workshop: Rooms) -> ArmName:
    if workshop.adapters.serving().live not in (None, BASE_ADAPTER):
        return ArmName.LIVE
    if workshop.settings.openai_adapters == "vllm":  # which serves the model that adapters are trained on
        return ArmName.BASE
    return {"reader": ArmName.SERVED, "extractive": ArmName.QUOTE}.get(workshop.settings.house_generator, ArmName.BASE)


def _contestants(workshop: Rooms, candidate: str, rows: Dataset) -> tuple[Contestant, ...]:
    settings, live = workshop.settings, workshop.adapters.serving().live
    folder, model = model_folder(settings.model, settings.effective_models_folder), workshop.language_model
    adapters = [candidate, *([live] if live not in (None, BASE_ADAPTER) else [])]
    for name in adapters:
        workshop.adapters.manifest(str(name))  # whole, and what was taken in
    folders = [settings.state.adapters / str(name) for name in adapters]
    base, *others = perplexities(folder, [None, *folders], neutral_texts(), settings.device)
    of = dict(zip(adapters, others, strict=True))
    found = [Contestant(ArmName.QUOTE, Speaker(workshop.fallback))]
    if settings.house_generator == "reader" and settings.openai_adapters == "off":
        found.append(Contestant(ArmName.SERVED, Speaker(workshop.generator)))
    found.append(Contestant(ArmName.BASE, Speaker(model), base))
    examples = shots(rows.train)
    if examples:
        found.append(Contestant(ArmName.FEW_SHOT, Speaker(model, BASE_ADAPTER, examples), base))
    if len(adapters) > 1:
        found.append(Contestant(ArmName.LIVE, _adapted(workshop, str(live)), of[str(live)]))
    return (*found, Contestant(ArmName.CANDIDATE, _adapted(workshop, candidate), of[candidate]))


def _adapted(workshop: Rooms, name: str) -> Speaker:
    """As `Cast` would let it speak."""
    return Speaker(workshop.language_model, name, second=workshop.second)
