"""Who may learn what: made-up companies, and the judge of whatever a surface shows to somebody.

`tests/contracts/test_audience_matrix.py` shows how an index backend or a channel is put through it. Runs under
pytest; nothing else in the library imports this file.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

from hypothesis import strategies as st

from answerloop.domain import EVERYONE, PUBLIC, Person

HOME, ELSEWHERE = "default", "subsidiary"
STRANGER = "stranger"
PEOPLE = ("ann", "o'brien", 'x" OR 1=1 --', STRANGER)
AWKWARD = ("hr", "hr, finance", "it's", '"board"', "' OR '1'='1", "%", "Vorstand & Räte", "人事", "a\\b", "HR")
TOPICS = ("parking", "dental", "laptop", "pension", "canteen")
"""What may be asked for: as words of a question they tell nothing of a document."""


@dataclass(frozen=True, slots=True)
class Page:
    """A document. Its secret stands in its title, heading, text and address, and in no question."""

    topic: str
    tenant: str
    allow: frozenset[str]
    supersedes: str | None = None

    @property
    def secret(self) -> str:
        return f"zq{self.topic}"

    def markdown(self) -> str:
        front = {"allow": sorted(self.allow), "url": f"https://intranet.example/{self.secret}"}
        if self.supersedes:
            front["supersedes"] = f"{self.supersedes}.md"
        lines = "\n".join(f"{key}: {json.dumps(value)}" for key, value in front.items())
        text = f"Whoever asks about {self.topic} may take {self.secret} as the rule."
        return f"---\n{lines}\n---\n# Title {self.secret}\n\n## Part {self.secret}\n\n{text}\n"


@dataclass(frozen=True, slots=True)
class Readers:
    """All who will see what is shown, in the tenant they see it in."""

    tenant: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Company:
    """A `Directory`, and the documents of the company on one day."""

    people: tuple[Person, ...]
    pages: tuple[Page, ...]

    def person(self, person_id: str) -> Person:
        known = {person.id: person for person in self.people}
        return known.get(person_id) or Person(person_id, person_id, frozenset(), HOME)

    def audiences(self) -> list[Readers]:
        """Nobody, each person in both tenants, and every two of them."""
        people = [self.person(person_id) for person_id in PEOPLE]
        alone = [Readers(tenant, (person,)) for person in people for tenant in (HOME, ELSEWHERE)]
        return [Readers(HOME, ()), *alone, *(Readers(HOME, pair) for pair in combinations(people, 2))]

    def readable(self, readers: Readers) -> set[str]:
        """The topics of the documents that all of them may read."""
        return {
            page.topic
            for page in self.pages
            if readers.people
            and page.tenant == readers.tenant
            and all(person.tenant == page.tenant and person.groups & page.allow for person in readers.people)
        }

    def findable(self, readers: Readers) -> set[str]:
        """Of these, the ones that no newer document replaces for all its readers."""
        allowed = {(page.tenant, page.topic): page.allow for page in self.pages}
        replaced = {
            page.supersedes
            for page in self.pages
            if page.allow and page.supersedes and allowed.get((page.tenant, page.supersedes), {""}) <= page.allow
        }
        return self.readable(readers) - replaced


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that one surface told these readers. `found` names the topics it was expected to find, where it is."""

    surface: str
    readers: Readers
    text: str
    found: frozenset[str] | None = None


def judge(company: Company, shown: Shown, document_ids: dict[str, str], *, complete: bool = True) -> None:
    """Nothing of what they may not read is in it, and, where that is its task, all of what they may."""
    readable = company.readable(shown.readers)
    for topic, document_id in document_ids.items():
        told = f"zq{topic}" in shown.text.lower() or document_id in shown.text
        assert topic in readable or not told, f"{shown.surface} tells {shown.readers} of {topic}: {shown.text}"
    if complete and shown.found is not None:
        expected = company.findable(shown.readers)
        assert shown.found == expected, f"{shown.surface} shows {shown.readers} {set(shown.found)}, not {expected}"


@st.composite
def two_days(draw: st.DrawFn) -> tuple[Company, Company]:
    """A company, and the same one when some documents are gone or have other readers, and some people other groups."""
    names = [*draw(st.lists(_group_names(), min_size=2, max_size=3, unique=True)), EVERYONE, PUBLIC]
    pages = tuple(_page(draw, topic, draw(st.sampled_from((HOME, HOME, ELSEWHERE))), names) for topic in TOPICS)
    people = tuple(_person(draw, person_id, names) for person_id in PEOPLE if person_id != STRANGER)
    later = tuple(
        draw(st.sampled_from((page, _page(draw, page.topic, page.tenant, names))))
        for page in pages
        if draw(st.integers(0, 3))
    )
    moved = tuple(draw(st.sampled_from((person, _person(draw, person.id, names)))) for person in people)
    return Company(people, pages), Company(moved, later)


def _group_names() -> st.SearchStrategy[str]:
    letters = st.characters(max_codepoint=0xFFFF, exclude_categories=["C", "Z"])
    return st.sampled_from(AWKWARD) | st.text(letters, min_size=1, max_size=6)


def _groups(draw: st.DrawFn, names: Collection[str], most: int) -> frozenset[str]:
    return draw(st.frozensets(st.sampled_from(sorted(names)), max_size=most))


def _page(draw: st.DrawFn, topic: str, tenant: str, names: Collection[str]) -> Page:
    older = draw(st.sampled_from([None, None, *(other for other in TOPICS if other < topic)]))
    return Page(topic, tenant, _groups(draw, names, 2), older)


def _person(draw: st.DrawFn, person_id: str, names: Collection[str]) -> Person:
    tenant = draw(st.sampled_from((HOME, HOME, HOME, ELSEWHERE)))
    return Person(person_id, person_id, _groups(draw, names, 3), tenant)
