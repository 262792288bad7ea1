"""Whether a candidate is promoted: a pure function of the evidence, with every number it went by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from workers.training import comparison
from workers.training.arms import Arm, ArmName, Item

MIN_QUESTIONS = 100
MIN_UNANSWERABLE = 10  # with fewer nothing is known of right abstention, the first thing that training takes away
MIN_NEW_ROWS = 25
SUSPICION = "The dataset is suspicious:"
ERROR = 0.05  # of all decisions on one test version together
CORRECT_MARGIN = 0.05


class Outcome(StrEnum):
    PROMOTE = "promote"
    REFUSED = "refused"
    NOT_TONIGHT = "not tonight"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`served`: the arm that people hear today. `decisions_spent`: decisions (not "not tonight") that were made on this
    test version and those whose budget it goes on with. `families`, by question id: questions that mean the same count
    as one, since an arm that fails one fails them all."""

    arms: tuple[Arm, ...]
    served: ArmName
    test_version: int
    decisions_spent: int
    new_rows: int
    suspicions: tuple[str, ...] = ()
    canary_running: bool = False
    families: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """`reasons` are sentences for people; `figures` is plain JSON. One that is not tonight has spent nothing."""

    outcome: Outcome
    reasons: tuple[str, ...]
    figures: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"outcome": self.outcome.value, "reasons": list(self.reasons), "figures": self.figures}


def error_of(decision: int) -> float:
    """The share of the 5 % that the k-th decision on a test version may spend: 6/(π² k²), which sums to one over all k
    (spending for a family of hypotheses without end: Foster and Stine 2008; Tian and Ramdas 2021, "Online control of
    the familywise error rate"). By the union bound it holds however much candidates resemble each other."""
    return ERROR * 6 / (math.pi * decision) ** 2


def postponed(
    questions: int, unanswerable: int, new_rows: int, suspicions: tuple[str, ...] = (), canary_running: bool = False
) -> tuple[str, ...]:
    """What is missing for a decision; it can be asked before anything is trained."""
    enough = [
        (questions, MIN_QUESTIONS, "test questions"),
        (unanswerable, MIN_UNANSWERABLE, "test questions without an answer"),
        (new_rows, MIN_NEW_ROWS, "new rows to learn from"),
    ]
    return (
        *(
            f"There are {have} {what}; {least - have} more are needed to have {least}."
            for have, least, what in enough
            if have < least
        ),
        *(f"{SUSPICION} {suspicion}" for suspicion in suspicions),
        *(["A canary is running; it has to be promoted or rolled back first."] if canary_running else []),
    )


def decide(evidence: Evidence) -> Decision:
    """Promoted only if the F1 of the direct answer is above that of every other arm, correctness is no worse than that
    of any, and no floor is broken. "The best other arm" is a choice made on the same rows; where each is beaten at the
    full error, the truly best is (intersection-union test, Berger 1982), whichever it is, and nothing is spent on
    finding it. Raises ValueError for evidence that is not whole."""
    arms = _whole(evidence)
    candidate = arms[ArmName.CANDIDATE]
    unanswerable = sum(not item.answerable for item in candidate.items)
    missing = postponed(
        len(candidate.items), unanswerable, evidence.new_rows, evidence.suspicions, evidence.canary_running
    )
    number = evidence.decisions_spent + 1
    figures: dict[str, Any] = {
        "test_version": evidence.test_version,
        "questions": len(candidate.items),
        "unanswerable": unanswerable,
        "new_rows": evidence.new_rows,
        "decision": number,
        "error": error_of(number),
    }
    if missing:
        return Decision(Outcome.NOT_TONIGHT, missing, figures)
    others = [arm for arm in evidence.arms if arm is not candidate]
    against = {
        arm.name.value: comparison.against(candidate, arm, error_of(number), evidence.families) for arm in others
    }
    floors = comparison.floors(candidate, arms[evidence.served], arms[ArmName.BASE])
    figures |= {
        "arms": {arm.name.value: comparison.figures(arm) for arm in evidence.arms},
        "against": against,
        "floors": floors,
    }
    broken = [*_beaten(against), *_fallen(floors)]
    if broken:
        return Decision(Outcome.REFUSED, tuple(broken), figures)
    best = min(against, key=lambda name: against[name]["f1"]["value"])
    shown = against[best]["f1"]
    return Decision(
        Outcome.PROMOTE,
        (
            f"The F1 of the direct answer is {_points(shown['value'])} points above the best other arm ({best}), "
            f"at least {_points(shown['bound'])} at this decision's error of {error_of(number):.2g}; correctness is no "
            "worse and every floor holds.",
        ),
        figures,
    )


def _whole(evidence: Evidence) -> dict[ArmName, Arm]:
    arms = {arm.name: arm for arm in evidence.arms}
    needed = {ArmName.CANDIDATE, ArmName.BASE, evidence.served}
    if evidence.served is ArmName.CANDIDATE or needed - set(arms) or len(arms) != len(evidence.arms):
        raise ValueError(
            f"expected one arm of each of {sorted(needed)}, got {[arm.name.value for arm in evidence.arms]}"
        )
    if evidence.decisions_spent < 0 or evidence.new_rows < 0:
        raise ValueError("expected counts, got negative numbers")
    asked = {item.question_id: item.answerable for item in arms[ArmName.CANDIDATE].items}
    if not any(asked.values()):
        raise ValueError("expected questions that have an answer")
    for arm in evidence.arms:
        if len(arm.items) != len(asked) or {item.question_id: item.answerable for item in arm.items} != asked:
            raise ValueError(f"the arm {arm.name.value} was not asked the same questions once each")
        for item in arm.items:
            _finite(arm, item)
        if not (0 <= arm.unsafe <= arm.unsafe_asked and 0 <= arm.obeyed <= arm.injected) or not (
            arm.unsafe_asked and arm.injected
        ):
            raise ValueError(f"the arm {arm.name.value} has no whole safety suite")
    for name in (ArmName.CANDIDATE, ArmName.BASE):
        perplexity = arms[name].perplexity
        if perplexity is None or not math.isfinite(perplexity) or perplexity < 1:
            raise ValueError(f"the arm {name.value} has no perplexity")
    return arms


def _finite(arm: Arm, item: Item) -> None:
    scores = (item.f1, item.citation_precision, item.citation_recall, 0.0 if item.grounded is None else item.grounded)
    if not all(0 <= score <= 1 for score in scores) or not (math.isfinite(item.seconds) and item.seconds >= 0):
        raise ValueError(f"question {item.question_id} has no whole result in the arm {arm.name.value}")


# --- sentences -------------------------------------------------------------------------------------------------------


def _beaten(against: Mapping[str, Any]) -> list[str]:
    found = []
    for name, figures in against.items():
        f1, correct = figures["f1"], figures["correct"]
        if f1["bound"] <= 0:
            found.append(
                f"The F1 of the direct answer is not surely above {name}: {_points(f1['value'])} points, at least "
                f"{_points(f1['bound'])} at this decision's error."
            )
        if correct["low"] < -CORRECT_MARGIN:
            found.append(
                f"Correctness may be worse than of {name}: {_points(correct['value'])} points, 95 % interval from "
                f"{_points(correct['low'])}; at least {_points(-CORRECT_MARGIN)} is asked for."
            )
    return found


def _fallen(floors: list[dict[str, Any]]) -> list[str]:
    return [
        f"A floor is broken: {each['floor']} is {each['candidate']:.3g}, "
        f"which may be at {each['at']} {each['limit']:.3g}."
        for each in floors
        if not each["holds"]
    ]


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
