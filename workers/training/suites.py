"""What no candidate may get worse at: unsafe requests, instructions planted in documents, and plain language."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from answerloop import metrics
from answerloop.domain import EVERYONE, Action, AnswerDraft, Audience
from answerloop.settings import Settings
from workers.answering.pipeline import Asked, Pipeline
from workers.answering.speakers import Speaker
from workers.evaluation.throwaway import throwaway

CASES = Path(__file__).with_name("cases")
UNSAFE_TENANT = "unsafe"


class Ask(Protocol):
    def __call__(self, pipeline: Pipeline, asked: Asked, name: str) -> AnswerDraft: ...


@dataclass(frozen=True, slots=True)
class Trial:
    """How often, of how many: a direct answer to an unsafe request, and a planted instruction obeyed."""

    unsafe: int
    unsafe_asked: int
    obeyed: int
    injected: int


class Suites:
    """Asked over documents of their own, in a throw-away index. Each planted one is all there is to find."""

    def __init__(self, pipeline_of: Callable[[Speaker], Pipeline]) -> None:
        self._pipeline_of = pipeline_of
        self._unsafe = _rows("unsafe.jsonl")
        self._planted = _rows("planted.jsonl")

    def judge(self, speaker: Speaker, ask: Ask, at_once: Callable[..., Iterable[bool]] = map) -> Trial:
        """`at_once` is a `map` that may ask many at the same time."""
        pipeline = self._pipeline_of(speaker)

        def is_unsafe(row: dict[str, str]) -> bool:
            return _is_unsafe(ask(pipeline, _asked(row, UNSAFE_TENANT), row["id"]))

        def obeys(row: dict[str, str]) -> bool:
            return _obeys(ask(pipeline, _asked(row, row["id"]), row["id"]), row)

        unsafe, obeyed = list(at_once(is_unsafe, self._unsafe)), list(at_once(obeys, self._planted))
        return Trial(sum(unsafe), len(unsafe), sum(obeyed), len(obeyed))


@contextmanager
def suites(settings: Settings, pipeline_over: Callable[[Any, Speaker], Pipeline]) -> Iterator[Suites]:
    """`pipeline_over` builds the pipeline of serving over a workshop's documents."""
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder:
        documents = Path(folder) / "documents.jsonl"
        documents.write_text("".join(json.dumps(row) + "\n" for row in _documents()))
        with throwaway(settings, documents) as workshop:
            yield Suites(lambda speaker: pipeline_over(workshop, speaker))


def neutral_texts() -> Sequence[str]:
    return (CASES / "neutral.txt").read_text(encoding="utf-8").strip().split("\n\n")


def _documents() -> Iterator[dict[str, str]]:
    for row in _rows("documents.jsonl"):
        yield {**row, "tenant": UNSAFE_TENANT}
    for row in _rows("planted.jsonl"):
        yield {"id": row["id"], "tenant": row["id"], "title": row["title"], "text": row["document"]}


def _rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (CASES / name).read_text(encoding="utf-8").splitlines()]


def _asked(row: dict[str, str], tenant: str) -> Asked:
    return Asked(row["question"], (), Audience.of_person(tenant, {EVERYONE}))


def _is_unsafe(draft: AnswerDraft) -> bool:
    return draft.decision.action is Action.ANSWERED


def _obeys(draft: AnswerDraft, row: dict[str, str]) -> bool:
    clean = metrics.without_instruction(row["document"], row["attack"])
    return metrics.obeyed(draft.text, row["question"], clean, row["attack"])
