"""What a sentence claims exactly, and where its source says otherwise: numbers, dates, limits, names, negation.

A sentence is judged against the source sentences it stands on (`carriers`), not against whole passages: a number from
the next paragraph carries nothing. The rules are for English, and each finding is written for people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice, pairwise, takewhile

import sentencex

from answerloop.domain import Grounding
from answerloop.quantities import Bound, Quantity, bounds, named, quantities, tokens
from answerloop.text import NEGATIONS, STOP_WORDS, content_words, stem

REST_WORDS = 2
"""A further source sentence counts when it has so many words that the ones before it lack."""
CONTRADICTED = 0.1
"""Factor on the probability of a sentence that its source contradicts: a rule, not fitted."""
NEGATED_WORDS = 2
"""Content words that a negation reaches."""
_UNIT_AT_NUMBER = re.compile(r"(?<=\d)(?=[^\W\d_])")  # 6pm
_ENDS = frozenset(".,;:()!?") | {"but"} | NEGATIONS
_OPENINGS = frozenset(".:!?(")


def source_sentences(passages: Sequence[str]) -> dict[str, frozenset[str]]:
    """Every sentence of the passages, with the stems of its content words."""
    lines = (line for passage in passages for line in passage.splitlines())
    found = (sentence.strip() for line in lines for sentence in sentencex.segment("en", line))
    return {sentence: _content(sentence) for sentence in found if sentence}


def carriers(sentence: str, sources: Mapping[str, frozenset[str]]) -> list[str]:
    """The source sentences that the sentence stands on, the best first; none when they share no word."""
    rest, left = _content(sentence), dict(sources)
    chosen: list[str] = []
    while left:
        best = max(left, key=lambda source: (len(rest & left[source]), -len(left[source])))
        covered = rest & left.pop(best)
        if len(covered) < (REST_WORDS if chosen else 1):
            break
        chosen.append(best)
        rest -= covered
    return chosen


def _content(text: str) -> frozenset[str]:
    return frozenset(content_words(_UNIT_AT_NUMBER.sub(" ", text)))


def grounding(probability: float, sentence: str, carriers: Sequence[str]) -> Grounding:
    """The judgement of a detector, which a contradiction overrules."""
    found = mismatches(sentence, carriers)
    return Grounding(probability * CONTRADICTED if found else probability, found)


def mismatches(sentence: str, carriers: Sequence[str]) -> tuple[str, ...]:
    """What the sentence says and its carriers do not, such as "number 30"; empty when nothing speaks against it."""
    said = tokens(sentence)
    source = [token for carrier in carriers for token in (*tokens(carrier), ".")]
    return tuple(
        dict.fromkeys(
            (*_quantities(said, source), *_bounds(said, source), *_names(said, source), *_negation(said, source))
        )
    )


def _quantities(said: Sequence[str], source: Sequence[str]) -> Iterator[str]:
    known = list(quantities(source))
    for quantity in quantities(said):
        same = [other for other in known if other.value == quantity.value]
        if not same:
            yield named(quantity.value)
        elif not any(_units_agree(quantity, other) for other in same):
            yield f"unit of {named(quantity.value)}"


def _units_agree(ours: Quantity, theirs: Quantity) -> bool:
    """Units of one kind must be the same; a unit of a kind that the other does not name says nothing."""
    return all(theirs.units.get(kind, unit) == unit for kind, unit in ours.units.items())


def _bounds(said: Sequence[str], source: Sequence[str]) -> Iterator[str]:
    known = set(bounds(source))
    for bound in bounds(said):
        if bound not in known and Bound(bound.anchor, not bound.lower) in known:
            yield f"{'lower' if bound.lower else 'upper'} limit at {named(bound.anchor)}"


def _names(said: Sequence[str], source: Sequence[str]) -> Iterator[str]:
    """Capitalised words inside a sentence. "Food and Drug Administration" and "FDA" are the same."""
    inside = [token for before, token in pairwise(said) if before not in _OPENINGS]
    if 2 * sum(token[0].isupper() for token in inside) > sum(token.isalpha() for token in inside):
        return  # a heading
    known = {stem(token.lower()) for token in source}
    for is_name, run in groupby(inside, key=lambda token: token[0].isupper() and _is_content(token)):
        name = list(run)
        if is_name and not _is_abbreviated(name, source):
            yield from (f"name {word}" for word in name if stem(word.lower()) not in known)


def _is_abbreviated(name: Sequence[str], source: Sequence[str]) -> bool:
    """Whether one side has the initials of the other; small words may count or not (FDA, DoD)."""
    whole = "".join(token[0] for token in source if token.isalpha()).lower()
    content = "".join(token[0] for token in source if _is_content(token)).lower()
    if len(name) == 1:
        return name[0].isupper() and (name[0].lower() in whole or name[0].lower() in content)
    return "".join(word[0] for word in name).lower() in {token.lower() for token in source}


def _negation(said: Sequence[str], source: Sequence[str]) -> Iterator[str]:
    """What one side negates and the other only affirms; two such findings cancel ("not without")."""
    alone = [*_denied(said, source), *_denied(source, said)]
    if len(alone) % 2:
        yield f"negation of {alone[0]}"


def _denied(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[str]:
    affirmed, negated = _affirmed(ours), {stem(word) for scope in _negated(theirs) for word in scope}
    shared = _affirmed(theirs) - affirmed
    for scope in _negated(ours):
        if negated.isdisjoint(map(stem, scope)):
            yield from [word for word in scope if stem(word) in shared][:1]


def _affirmed(text: Sequence[str]) -> set[str]:
    """Stems that occur outside of every negation."""
    left = Counter(stem(token.lower()) for token in text)
    left.subtract(stem(word) for scope in _negated(text) for word in scope)
    return {word for word, times in left.items() if times > 0}


def _negated(text: Sequence[str]) -> Iterator[list[str]]:
    """The content words that each negation reaches, up to a pause or the next negation."""
    for at, token in enumerate(text):
        if token.lower() in NEGATIONS:
            reached = takewhile(lambda word: word.lower() not in _ENDS, text[at + 1 :])
            yield [word.lower() for word in islice(filter(_is_content, reached), NEGATED_WORDS)]


def _is_content(token: str) -> bool:
    return token.isalnum() and token.lower() not in STOP_WORDS and token.lower() not in NEGATIONS
