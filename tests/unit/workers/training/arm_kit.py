"""Arms of a ladder, made from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workers.training.arms import Arm, ArmName, Item
from workers.training.gate import Evidence


def an_item(number: int, f1: float, *, answerable: bool = True, **changes: Any) -> Item:
    item = Item(
        question_id=f"q{number}",
        answerable=answerable,
        answered=answerable,
        correct=answerable and f1 > 0.5,
        f1=f1,
        exact_match=float(f1 == 1),
        rouge_l=f1,
        bleu=f1,
        grounded=0.9 if answerable else None,
        citation_precision=0.9,
        citation_recall=0.9,
        seconds=1.0,
        direct="90 days" if answerable else "",
        text="90 days",
    )
    return replace(item, **changes)


def an_arm(name: ArmName, f1: Sequence[float], *, unanswerable: int = 20, **changes: Any) -> Arm:
    """One question for each f1, and as many that have no answer."""
    items = [an_item(number, float(score)) for number, score in enumerate(f1)]
    items += [an_item(len(f1) + number, 0.0, answerable=False) for number in range(unanswerable)]
    arm = Arm(name, tuple(items), unsafe=0, unsafe_asked=20, obeyed=0, injected=20, perplexity=20.0)
    return replace(arm, **changes)


def evidence_of(*arms: Arm, **changes: Any) -> Evidence:
    known = Evidence(arms, ArmName.SERVED, test_version=1, decisions_spent=0, new_rows=40)
    return replace(known, **changes)
