"""What the assistant is worth, from what was asked and what became of it. Pure; what is assumed is shown beside each
figure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median

import numpy as np

from answerloop.domain import Outcome
from answerloop.metrics import percentile

SAME_QUESTION = 0.85
"""Least cosine of two questions of one person that count as the same one, asked again."""
AGAIN_WITHIN = timedelta(days=1)
MINUTE, HOUR = 60.0, 3600.0


class Kind(StrEnum):
    """What became of a question, as the dashboard draws it."""

    ANSWERED = "answered"
    CURATED = "curated"  # with what a colleague has approved
    ABSTAINED = "abstained"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its finished answer. `seconds`: until the answer was there. `human`: a person was asked for."""

    question_id: str
    asked_at: datetime
    seconds: float
    channel: str
    topic: str
    outcome: str
    curated: bool
    ups: int
    downs: int
    human: bool

    @property
    def kind(self) -> Kind:
        if self.outcome == Outcome.ANSWERED:
            return Kind.CURATED if self.curated else Kind.ANSWERED
        return Kind.ABSTAINED if self.outcome == Outcome.ABSTAINED else Kind.FAILED


@dataclass(frozen=True, slots=True)
class Said:
    """A question as the embedder sees it: `vector` is a unit row, float32, by `embedder`."""

    question_id: str
    asker: str
    asked_at: datetime
    embedder: str
    vector: bytes


def asked_again(said: Iterable[Said]) -> frozenset[str]:
    """The questions that the same person asked once more within a day, nearly in the same words."""
    by_person: defaultdict[tuple[str, str], list[Said]] = defaultdict(list)
    for each in said:
        by_person[each.asker, each.embedder].append(each)
    found: set[str] = set()
    for theirs in by_person.values():
        theirs.sort(key=lambda each: each.asked_at)
        vectors = np.stack([np.frombuffer(each.vector, np.float32) for each in theirs])
        for place, each in enumerate(theirs[:-1]):
            later = [at for at in range(place + 1, len(theirs)) if theirs[at].asked_at - each.asked_at <= AGAIN_WITHIN]
            if later and float((vectors[later] @ vectors[place]).max()) >= SAME_QUESTION:
                found.add(each.question_id)
    return frozenset(found)


def is_resolved(asked: Asked, again: frozenset[str]) -> bool:
    """Answered, nobody said that it is wrong, nobody asked for a person, and it was not asked again."""
    answered = asked.outcome == Outcome.ANSWERED
    return answered and not asked.downs and not asked.human and asked.question_id not in again


# --- how many ------------------------------------------------------------------------------------------------------


def by_day(asked: Iterable[Asked], days: Sequence[date]) -> list[Counter[Kind]]:
    """What became of the questions of each day (UTC)."""
    counts: dict[date, Counter[Kind]] = {day: Counter() for day in days}
    for each in asked:
        day = each.asked_at.date()
        if day in counts:
            counts[day][each.kind] += 1
    return [counts[day] for day in days]


def thumbs_by_day(asked: Iterable[Asked], days: Sequence[date]) -> list[tuple[int, int]]:
    """Thumbs up and down for the answers to the questions of each day (UTC)."""
    ups, downs = Counter[date](), Counter[date]()
    for each in asked:
        ups[each.asked_at.date()] += each.ups
        downs[each.asked_at.date()] += each.downs
    return [(ups[day], downs[day]) for day in days]


def by(asked: Iterable[Asked], name: Callable[[Asked], str]) -> dict[str, Counter[Kind]]:
    """What became of the questions of each channel, or topic; the most frequent one first."""
    counts: defaultdict[str, Counter[Kind]] = defaultdict(Counter)
    for each in asked:
        counts[name(each)][each.kind] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1].total(), item[0])))


@dataclass(frozen=True, slots=True)
class Step:
    """Milliseconds that a step of an answer takes: half of them are faster than `p50`, nine in ten than `p90`."""

    name: str
    p50: float
    p90: float
    n: int


def steps(timings: Iterable[Mapping[str, float]]) -> list[Step]:
    """In the order in which answers take them, the whole at the end."""
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for timing in timings:
        for name, milliseconds in timing.items():
            taken[name].append(float(milliseconds))
    total = taken.pop("total", [])
    named = [*taken.items(), *([("total", total)] if total else [])]
    return [Step(name, percentile(values, 50), percentile(values, 90), len(values)) for name, values in named]


# --- what it is worth ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What cannot be measured here. A colleague spends `human_minutes` on a question, and whoever asks waits
    `human_hours` for it; the machine costs `cost_per_hour`."""

    human_minutes: float
    human_hours: float
    cost_per_hour: float
    currency: str


@dataclass(frozen=True, slots=True)
class Value:
    """Of one span of time. None: nothing was asked, so there is nothing to divide by."""

    questions: int
    resolved: int
    median_seconds: float | None
    minutes_saved: float
    """Of colleagues, less what reviewers spent on judging."""
    review_minutes: float
    cost_per_answer: float | None

    @property
    def share(self) -> float | None:
        return self.resolved / self.questions if self.questions else None


def value(
    asked: Sequence[Asked],
    again: frozenset[str],
    review_seconds: float,
    running: timedelta,
    assumptions: Assumptions,
    model_cost: float = 0.0,
) -> Value:
    """`running` is how long the machine ran in that time, `review_seconds` what people spent on judging in it, and
    `model_cost` what models behind endpoints cost."""
    resolved = sum(is_resolved(each, again) for each in asked)
    answers = sum(each.outcome == Outcome.ANSWERED for each in asked)
    cost = assumptions.cost_per_hour * running.total_seconds() / HOUR + model_cost
    return Value(
        questions=len(asked),
        resolved=resolved,
        median_seconds=median(each.seconds for each in asked) if asked else None,
        minutes_saved=resolved * assumptions.human_minutes - review_seconds / MINUTE,
        review_minutes=review_seconds / MINUTE,
        cost_per_answer=cost / answers if answers else None,
    )


@dataclass(frozen=True, slots=True)
class Objective:
    """What the operator wants to reach: this share resolved, in so many seconds in the median; of one topic, or all."""

    text: str
    resolved_share: float
    median_seconds: float | None
    topic: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an objective is. None: nothing was asked yet, or no time was set."""

    value: Value
    share_reached: bool | None
    time_reached: bool | None = field(default=None)

    @property
    def reached(self) -> bool:
        return bool(self.share_reached) and self.time_reached is not False


def standing(objective: Objective, value: Value) -> Standing:
    in_time = None
    if objective.median_seconds is not None and value.median_seconds is not None:
        in_time = value.median_seconds <= objective.median_seconds
    enough = None if value.share is None else value.share >= objective.resolved_share
    return Standing(value, enough, in_time)
