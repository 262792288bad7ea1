"""Which better answers there are to an answer, and who stands for each. No database, no clock."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from answerloop.auditing import CorrectionState, Fault, Grounded, Origin, Verdict
from answerloop.db.repositories.corrections import Case, CorrectionView
from answerloop.db.repositories.verdicts import GivenVerdict, KnownReviewer
from answerloop.text import plain
from review.verdicts import Said

CLICK, JUDGING = "click", "judging"
Grounding = Callable[[str], tuple[str, ...]]
"""The documents (ids) that carry a text for which nobody has chosen any."""
_CITATION = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")


class Humans:
    """Who is who: a reviewer's own name and the names under which chats know them are one human."""

    def __init__(self, reviewers: Sequence[KnownReviewer]) -> None:
        self._active = {reviewer.id for reviewer in reviewers if reviewer.active}
        self._ids = {name.casefold(): each.id for each in reviewers for name in (*each.people, each.id)}

    def name(self, person: str) -> str:
        """One for all the names of the same human."""
        return self._ids.get(person.casefold(), person.casefold())

    def same(self, one: str, other: str) -> bool:
        return self.name(one) == self.name(other)

    def trusted(self, person: str) -> bool:
        """A reviewer we know, who still is one."""
        return self.name(person) in self._active


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text, with every judgement that has it, the first one first. `latest`: when somebody has last written it."""

    text: str
    documents: tuple[str, ...]
    missing_document: str
    said: tuple[Said, ...]
    suggested_by: str
    suggested_via: str
    latest: datetime | None


def said_of(given: GivenVerdict, case: Case) -> Said:
    """With the ids of the documents that the reviewer named by their numbers."""
    numbered = {source.number: source.document_id for source in case.sources}
    chosen = [numbered.get(int(each)) if str(each).isdecimal() else str(each) for each in given.documents]
    return Said(
        reviewer=given.reviewer,
        origin=Origin(given.origin),
        verdict=Verdict(given.verdict),
        grounded=Grounded(given.grounded),
        submitted_at=given.submitted_at,
        updated_at=given.updated_at,
        correction=given.correction.strip(),
        edited=given.edited,
        documents=tuple(dict.fromkeys(each for each in chosen if each)),
        missing_document=given.missing_document,
        faults=tuple(map(Fault, given.faults)),
    )


def normal(text: str) -> str:
    """What two writings of the same answer have in common."""
    return " ".join(plain(_CITATION.sub("", text)).casefold().split()).rstrip(" .")


def candidates(
    case: Case, said: Sequence[Said], suggestions: Mapping[str, str], grounding: Grounding
) -> list[Candidate]:  # fmt: skip
    """What people have suggested (`suggestions`, by person), what reviewers have written, and what was approved by a
    click: whoever suggested that may write something else afterwards."""
    by_text: defaultdict[str, list[Said]] = defaultdict(list)
    for each in sorted(said, key=lambda each: (each.submitted_at, each.reviewer)):
        if normal(each.correction) not in ("", normal(case.original)):
            by_text[normal(each.correction)].append(each)
    texts = {normal(row.text): row.text for row in case.corrections if _stands_by_click(row)}
    texts |= {normal(text): text for text in reversed([*suggestions.values()]) if normal(text)}
    texts |= {key: saying[0].correction for key, saying in by_text.items()}
    return [_candidate(case, text, tuple(by_text[key]), suggestions, grounding) for key, text in texts.items()]


def _stands_by_click(row: CorrectionView) -> bool:
    return row.state in (CorrectionState.APPROVED, CorrectionState.NEEDS_SECOND) and row.approved_via == CLICK


def _candidate(
    case: Case, text: str, said: tuple[Said, ...], suggestions: Mapping[str, str], grounding: Grounding
) -> Candidate:  # fmt: skip
    rows = [row for row in case.corrections if normal(row.text) == normal(text)]
    standing = next((row for row in reversed(rows) if row.state is not CorrectionState.WITHDRAWN), None)
    authors = [person for person, theirs in suggestions.items() if normal(theirs) == normal(text)]
    by, via = _author(case, said, authors or _changed_since(said, suggestions), standing)
    chosen = next((each.documents for each in reversed(said) if each.documents), ())
    missing = next((each.missing_document for each in reversed(said) if each.missing_document), "")
    if not said and standing is not None:
        missing = standing.missing_document
    kept = standing.documents if standing is not None else ()
    times = [each.updated_at for each in said]
    times += [each.updated_at for each in case.suggestions if each.person in authors]
    return Candidate(
        text=text,
        documents=() if missing else chosen or kept or grounding(text),
        missing_document=missing,
        said=said,
        suggested_by=by,
        suggested_via=via,
        latest=max(times, default=None),
    )


def _changed_since(said: Sequence[Said], suggestions: Mapping[str, str]) -> list[str]:
    """Whoever submits a text that they have not edited submits a suggestion, also when that has been changed since."""
    return list(suggestions) if said and not any(each.edited for each in said) else []


def _author(
    case: Case, said: Sequence[Said], authors: Sequence[str], standing: CorrectionView | None
) -> tuple[str, str]:  # fmt: skip
    via = {each.person: each.via for each in case.suggestions}
    if authors:
        return authors[0], via[authors[0]]
    if said:
        return said[0].reviewer, said[0].origin.value
    return (standing.suggested_by, "") if standing else ("", "")
