"""What several people's judgements of one answer come to, and how far people agree."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations, permutations

import krippendorff
from sklearn.metrics import cohen_kappa_score

from answerloop.auditing import Fault, Grounded, Origin, Verdict

_MOST_CAUTIOUS_FIRST = (Grounded.NOT, Grounded.PARTLY, Grounded.GROUNDED)


@dataclass(frozen=True, slots=True)
class Said:
    """What one reviewer says of one answer right now. `documents` are ids, of those that they chose."""

    reviewer: str
    origin: Origin
    verdict: Verdict
    grounded: Grounded
    submitted_at: datetime
    updated_at: datetime
    correction: str = ""
    edited: bool = False
    documents: tuple[str, ...] = ()
    missing_document: str = ""
    faults: tuple[Fault, ...] = ()


class Standing(StrEnum):
    """How far the judgement of an answer is."""

    OPEN = "open"  # too few have judged it
    AGREED = "agreed"
    CONFLICT = "conflict"  # they disagree, and nobody has decided
    DECIDED = "decided"  # they disagreed, and somebody else decided on our page


@dataclass(frozen=True, slots=True)
class Outcome:
    """`behind` are the judgements that the verdict rests on; of an open one or a conflict, all of them."""

    standing: Standing
    verdict: Verdict | None
    grounded: Grounded | None
    behind: tuple[Said, ...]

    @property
    def settled(self) -> bool:
        return self.standing in (Standing.AGREED, Standing.DECIDED)


Human = Callable[[str], str]
"""One name for all the names of the same human."""


def outcome(said: Iterable[Said], overlap: int, human: Human) -> Outcome:
    """Of judgements that count, each reviewer's latest. Whoever decides a conflict does so on our page, which knows who
    they are, after others have disagreed, and is none of them."""
    latest = sorted(_latest(said, human), key=lambda each: (each.submitted_at, each.reviewer))
    if len(latest) < overlap or not latest:
        return Outcome(Standing.OPEN, None, None, tuple(latest))
    if len({each.verdict for each in latest}) == 1:
        return _resting_on(Standing.AGREED, latest)
    deciders = [each for at, each in enumerate(latest) if each.origin is Origin.PAGE and _disagree(latest[:at])]
    if not deciders:
        return Outcome(Standing.CONFLICT, None, None, tuple(latest))
    decision = deciders[-1]
    agreeing = [each for each in latest if each.verdict is decision.verdict and each is not decision]
    return _resting_on(Standing.DECIDED, [decision, *agreeing])


def _latest(said: Iterable[Said], human: Human) -> list[Said]:
    by_human: dict[str, Said] = {}
    for each in sorted(said, key=lambda each: each.updated_at):
        by_human[human(each.reviewer)] = each
    return list(by_human.values())


def _disagree(said: Sequence[Said]) -> bool:
    return len({each.verdict for each in said}) > 1


def _resting_on(standing: Standing, behind: Sequence[Said]) -> Outcome:
    """Where reviewers see the sources differently, the most cautious view counts."""
    seen = {each.grounded for each in behind}
    grounded = next(level for level in _MOST_CAUTIOUS_FIRST if level in seen)
    return Outcome(standing, behind[0].verdict, grounded, tuple(behind))


# --- agreement -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rating:
    """One reviewer's verdict of one answer, with the type of its question."""

    audit_id: str
    reviewer: str
    question_type: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of so many verdicts that were compared (`compared`), the share that was the same, and how much better than
    chance that is: 1 is perfect, 0 chance; None where it is undefined, since everybody always said one thing."""

    compared: int
    same: float
    beyond_chance: float | None


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Cohen's kappa for pairs and for each reviewer against all others; Krippendorff's alpha for everybody together and
    for each type of question."""

    everybody: Agreement | None
    by_question_type: dict[str, Agreement]
    by_reviewer: dict[str, Agreement]
    by_pair: dict[tuple[str, str], Agreement]


def agreement(ratings: Iterable[Rating]) -> AgreementReport:
    """Of answers that at least two people have judged; the others tell nothing."""
    by_audit: defaultdict[str, dict[str, Rating]] = defaultdict(dict)
    for rating in ratings:
        by_audit[rating.audit_id][rating.reviewer] = rating
    shared = [list(judged.values()) for judged in by_audit.values() if len(judged) > 1]
    by_type: defaultdict[str, list[list[Rating]]] = defaultdict(list)
    by_pair: defaultdict[tuple[str, str], list[tuple[Verdict, Verdict]]] = defaultdict(list)
    by_reviewer: defaultdict[str, list[tuple[Verdict, Verdict]]] = defaultdict(list)
    for judged in shared:
        by_type[judged[0].question_type].append(judged)
        for one, other in combinations(sorted(judged, key=lambda rating: rating.reviewer), 2):
            by_pair[one.reviewer, other.reviewer].append((one.verdict, other.verdict))
        for one, other in permutations(judged, 2):
            by_reviewer[one.reviewer].append((one.verdict, other.verdict))
    return AgreementReport(
        everybody=_alpha(shared) if shared else None,
        by_question_type={name: _alpha(judged) for name, judged in sorted(by_type.items())},
        by_reviewer={name: _kappa(pairs) for name, pairs in sorted(by_reviewer.items())},
        by_pair={names: _kappa(pairs) for names, pairs in sorted(by_pair.items())},
    )


def _kappa(pairs: Sequence[tuple[Verdict, Verdict]]) -> Agreement:
    ours, theirs = [one.value for one, _ in pairs], [other.value for _, other in pairs]
    defined = len({*ours, *theirs}) > 1
    return Agreement(len(pairs), _share_same(pairs), float(cohen_kappa_score(ours, theirs)) if defined else None)


def _alpha(judged: Sequence[Sequence[Rating]]) -> Agreement:
    pairs = [(one.verdict, other.verdict) for ratings in judged for one, other in combinations(ratings, 2)]
    counts = [[sum(rating.verdict is verdict for rating in ratings) for verdict in Verdict] for ratings in judged]
    defined = len({verdict for pair in pairs for verdict in pair}) > 1
    alpha = None
    if defined:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            alpha = float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    return Agreement(len(pairs), _share_same(pairs), alpha)


def _share_same(pairs: Sequence[tuple[Verdict, Verdict]]) -> float:
    return sum(one is other for one, other in pairs) / len(pairs)
