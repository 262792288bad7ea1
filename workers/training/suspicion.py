"""What looks as if somebody wanted to teach us something: each sentence stops a night, until people have looked.

Approval comes before (nobody approves their own suggestion), caps beside it; this is for what passes both. Everything
counts *new* rows, which no decision has seen, against what was there before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from answerloop.metrics import normalise
from answerloop.text import numbers, words
from workers.answering.bursts import groups
from workers.answering.same_question import canonical, parsed
from workers.training.drafts import Draft
from workers.training.families import same_question

MANY, QUESTIONS = 5, 3
"""Rows that say nearly the same, for so many different questions: as `workers.answering.bursts`, but for ever."""
LEAST_WORDS = 6
"""Shorter texts are alike by chance: "your manager, within two weeks" answers many questions. A short lie is caught by
its words, which no document has (`TRIGGER_SHARE`)."""
COPIED_WORDS = 8
"""A run as long as this in texts about different questions was copied."""
JUDGED = 10
"""Among fewer rows the share of one person says nothing."""
AUTHOR_SHARE, APPROVER_SHARE = 0.6, 0.9
"""Of the new rows: above the caps of a whole dataset, since a zealous week of one colleague is no attack."""
TRIGGER_SHARE = 0.1
"""Of the new rows, and at least `MANY` of them: a phrase that was never seen before, neither in what was learned nor in
any passage, nor asked by anybody else. A judgement: published backdoors
took some 250 documents, and fewer rows than these are left to approval and caps."""
FEW = 3
MUCH_ASKED = 1000
"""A new word in many rows is a habit of somebody, or a fashion: of more people than a few it is only suspicious where
it is known how people ask here."""
CONTRADICTING, CONTRADICTING_SHARE = 3, 0.2
"""Questions whose answers do not agree, and their share of those that were answered more than once."""
AGREE = 0.5
"""Share of the shorter answer's words that the longer one has."""


def suspicions(
    new: Sequence[Draft], old: Sequence[Draft], known: Background, families: Mapping[str, str]
) -> tuple[str, ...]:
    """`families` by the id of the draft."""
    return (
        *_bursts(new),
        *_copied(new, families),
        *_one_person(new),
        *_triggers(new, known),
        *_contradicting(contradictions([*old, *new]), [*old, *new], {draft.id for draft in new}),
    )


def _bursts(new: Sequence[Draft]) -> Iterator[str]:
    marked = [draft for draft in new if draft.in_burst]
    if len(marked) >= MANY:
        yield f"{len(marked)} new corrections were suggested in a burst that rang an alarm."
    long = [draft for draft in new if len(words(draft.text)) >= LEAST_WORDS]
    questions = dict(zip((draft.id for draft in long), same_question([each.question for each in long]), strict=True))
    by_numbers: defaultdict[frozenset[str], list[Draft]] = defaultdict(list)
    for draft in long:
        by_numbers[numbers(draft.text)].append(draft)
    alike = [[some[at] for at in group] for some in by_numbers.values() for group in groups([d.text for d in some])]
    for together in alike:
        asked = {questions[draft.id] for draft in together}
        if len(together) >= MANY and len(asked) >= QUESTIONS:
            people = _people(draft.author for draft in together)
            yield f"{len(together)} new answers to {len(asked)} different questions say nearly the same, by {people}."


def _copied(new: Sequence[Draft], families: Mapping[str, str]) -> Iterator[str]:
    """One copied passage is told once, however long it is."""
    found: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    for at, draft in enumerate(new):
        said = words(draft.text)
        for start in range(len(said) - COPIED_WORDS + 1):
            found[tuple(said[start : start + COPIED_WORDS])].add(at)
    told: set[frozenset[int]] = set()
    for places in found.values():
        asked = {families[new[at].id] for at in places}
        if len(places) >= MANY and len(asked) >= QUESTIONS and frozenset(places) not in told:
            told.add(frozenset(places))
            yield f"The same {COPIED_WORDS} words or more stand in {len(places)} new answers to different questions."


def _one_person(new: Sequence[Draft]) -> Iterator[str]:
    written = [draft for draft in new if draft.author]
    for people, share, did in (
        (Counter(draft.author for draft in written), AUTHOR_SHARE, "written"),
        (Counter(person for draft in new for person in set(draft.approvers)), APPROVER_SHARE, "approved"),
    ):
        total = len(written) if did == "written" else len(new)
        for count in sorted(people.values()):
            if total >= JUDGED and count > share * total:
                yield f"One person has {did} {count} of {total} new rows: at most {share:.0%} may be."


def _triggers(new: Sequence[Draft], known: Background) -> Iterator[str]:
    seen: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in new:
        for phrase in (_phrases(draft.question) | _phrases(draft.text)) - known.phrases:
            seen[phrase].append(draft)
    least = max(MANY, TRIGGER_SHARE * len(new))
    found = [phrase for phrase, rows in seen.items() if len(rows) >= least and _is_planted(rows, known)]
    for phrase in sorted(each for each in found if not _part_of(each, found)):
        count = len(seen[phrase])
        yield f"“{phrase}” stands in {count} of {len(new)} new rows, and nowhere before nor in any document."


def _is_planted(rows: Sequence[Draft], known: Background) -> bool:
    """About many things, and the habit of few people; where much was asked already, a new phrase is enough."""
    few = len({draft.author for draft in rows}) <= FEW
    return len({draft.documents for draft in rows}) >= QUESTIONS and (few or known.questions >= MUCH_ASKED)


@dataclass(frozen=True, slots=True)
class Background:
    """What is known to be said without anybody's wanting to teach us something, and of how many questions."""

    phrases: frozenset[str]
    questions: int


def background(
    old: Sequence[Draft], passages: Iterable[str], asked: Sequence[tuple[str, str]], authors: Collection[str]
) -> Background:
    """`asked` are questions and who asked them. What only a few ask, or those who wrote what is new, is not how people
    speak here: else whoever wants to plant a phrase would have to ask it once."""
    learned = (part for draft in old for part in (draft.question, draft.text))
    askers: defaultdict[str, set[str]] = defaultdict(set)
    for question, asker in asked:
        if asker not in authors:
            for phrase in _phrases(question):
                askers[phrase].add(asker)
    said = frozenset(phrase for text in chain(passages, learned) for phrase in _phrases(text))
    return Background(said | {phrase for phrase, people in askers.items() if len(people) > FEW}, len(asked))


def _phrases(text: str) -> set[str]:
    """Words with meaning, and neighbours among them."""
    meaning = parsed(text).words
    said = [stemmed for word in words(text) if (stemmed := canonical(word)) in meaning]
    return set(meaning) | {f"{one} {other}" for one, other in pairwise(said)}


def _part_of(phrase: str, found: Collection[str]) -> bool:
    return any(phrase != other and f" {phrase} " in f" {other} " for other in found)


# --- answers that contradict each other ------------------------------------------------------------------------------


def contradictions(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Of each question whose answers do not agree, all of them."""
    together: defaultdict[int, list[Draft]] = defaultdict(list)
    for number, draft in zip(same_question([draft.question for draft in drafts]), drafts, strict=True):
        together[number].append(draft)
    return [group for group in together.values() if not _agree(group)]


def _agree(group: Sequence[Draft]) -> bool:
    texts = [draft.text for draft in group]
    if len({bool(text) for text in texts}) > 1:
        return False
    return all(_alike(one, other) for at, one in enumerate(texts) for other in texts[at + 1 :])


def _alike(one: str, other: str) -> bool:
    """Whether the shorter one is mostly in the longer one, and no number stands against another."""
    ours, theirs = set(normalise(one).split()), set(normalise(other).split())
    against = numbers(one) and numbers(other) and not numbers(one) & numbers(other)
    return one == other or (not against and len(ours & theirs) >= AGREE * min(len(ours), len(theirs)))


def _contradicting(found: Sequence[Sequence[Draft]], drafts: Sequence[Draft], new: Collection[str]) -> Iterator[str]:
    sizes = Counter(same_question([draft.question for draft in drafts])).values()
    several = sum(size > 1 for size in sizes)
    fresh = [group for group in found if any(draft.id in new for draft in group)]
    if len(fresh) >= CONTRADICTING and len(fresh) > CONTRADICTING_SHARE * several:
        yield f"{len(fresh)} of {several} questions that were answered more than once have contradicting answers."


def _people(names: Iterable[str]) -> str:
    count = len(set(names))
    return "one person" if count == 1 else f"{count} people"
