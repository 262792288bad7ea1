"""What is learned, what stops the learning in time, and what nobody ever learns.

A document is on one side, by a seeded hash of its name, and so is a family of questions; what would join two sides is
left out. So nothing in the test, neither its documents nor another wording of its questions, was ever an answer to
learn. (Passages of test documents may stand in a training prompt as what is near and wrong: nothing of them is said.)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from answerloop.db.repositories.training_sources import Source
from workers.training.drafts import Draft, LeftOut

SEED = "answerloop-2"
"""Any would do. This one was picked among nine by the sizes alone: the sample corrections fall into halves."""
TEST_SHARE = 0.5
"""Of the documents. Half, since the proof is what is scarce: few rows teach a form, but it takes some hundred questions
to tell a difference of ten points of F1 from luck (assumed from the spread of F1, not measured here)."""
VALIDATION_SHARE = 0.12
"""Of the documents that are not tested with, where there are `FEWEST` of them."""
FEWEST = 4
BOTH_SIDES = "its documents lie on both sides of the split"
LIKE_A_TEST = "a question that means the same is on the other side of the split"


class Side(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def sides(
    drafts: Sequence[Draft],
    family: Mapping[str, str],
    sources: Mapping[str, Source],
    frozen_documents: Collection[str],
    frozen_families: Collection[str],
    left_out: LeftOut,
) -> dict[str, Side]:
    """By the id of the draft; what joins two sides has none. `family` is by id as well."""
    side_of = _documents({document for draft in drafts for document in draft.documents}, sources, frozen_documents)
    own = {draft.id: frozenset(side_of[document] for document in draft.documents) for draft in drafts}
    by_family: dict[str, set[Side]] = {}
    for draft in drafts:
        by_family.setdefault(family[draft.id], set()).update(own[draft.id])
    found: dict[str, Side] = {}
    for draft in drafts:
        rules = _of_family(family[draft.id], by_family[family[draft.id]], frozen_families)
        if len(own[draft.id]) > 1:
            left_out(BOTH_SIDES)
        elif own[draft.id] != {rules} and draft.documents:
            left_out(LIKE_A_TEST)
        else:
            found[draft.id] = rules
    return found


def _of_family(family: str, found: Collection[Side], frozen: Collection[str]) -> Side:
    """What was in the test once stays there. A question to learn is worth more than one that watches the learning.
    One that stands on no document is drawn by itself."""
    if family in frozen or Side.TEST in found:
        return Side.TEST
    if not found:
        return Side.TEST if is_tested(f"family:{family}") else Side.TRAIN
    return Side.TRAIN if Side.TRAIN in found else Side.VALIDATION


def _documents(
    document_ids: Collection[str], sources: Mapping[str, Source], frozen: Collection[str]
) -> dict[str, Side]:
    """What was tested with once, always is. What watches the learning may change from night to night."""
    tested = {each for each in document_ids if each in frozen or is_tested(f"document:{sources[each].key}")}
    others = sorted(set(document_ids) - tested, key=lambda each: (_uniform("validation", sources[each].key), each))
    watching = set(others[: math.ceil(VALIDATION_SHARE * len(others))] if len(others) >= FEWEST else ())
    return {
        each: Side.TEST if each in tested else Side.VALIDATION if each in watching else Side.TRAIN
        for each in document_ids
    }


def is_tested(name: str) -> bool:
    """Whether a document or family of this name is drawn for the test."""
    return _uniform("test", name) < TEST_SHARE


def _uniform(purpose: str, name: str) -> float:
    """In [0, 1), the same for the same name for ever."""
    digest = hashlib.sha256(f"{SEED}:{purpose}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def order(name: str) -> str:
    """By which what is drawn by lot is sorted."""
    return hashlib.sha256(f"{SEED}:order:{name}".encode()).hexdigest()
