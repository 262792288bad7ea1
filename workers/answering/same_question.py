"""Is this the same question in other words? Near in meaning is not enough: "400 mg" and "800 mg" are near as well.

Two questions are the same when nothing that carries meaning stands in one of them alone, neither a number, nor a name,
nor a word that is no synonym, nor a "not"; when they ask for the same kind of thing (when, who, how much); and only
then does the embedder's cosine have its say. What is refused is answered as ever, so a rule had better be too strict.
The rules are for English; `benchmarks.curated` measures them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from answerloop.quantities import Bound, Quantity, bounds, quantities, tokens
from answerloop.text import NEGATIONS, STOP_WORDS, is_negated, numbers, stem

_LIGHT = frozenset(
    stem(word)
    for word in """
    what much many number amount figure total long length time times far soon often high big get getting got receive
    have having need require must want like allow allowed permitted may might take takes give given grant entitled
    entitlement shall able possible someone somebody anyone anybody something thing still already currently exactly
    actually please tell know let say there here us per every use used using go going gonna mean meaning means normally
    usually generally supposed hello hi thanks frequently frequent
    """.split()  # noqa: SIM905 - a word list reads better as words
)
"""Frame a question without changing what it is about. One that replaces a word with meaning leaves that word alone."""

_SYNONYMS = """
    gift present; price cost fee; start begin commence; close shut; stay remain keep; annual yearly year yr yrs;
    monthly month; weekly week; daily day; whole full entire; ahead advance; vendor supplier; percent percentage %;
    everybody everyone; euro eur €; pound gbp £; dollar usd $; holiday vacation; ill sick;
    quit resign; laptop notebook; refund reimburse; buy purchase; phone telephone; repair fix; cancel revoke;
    hand submit; manager boss supervisor; colleague coworker; pc computer; canteen cafeteria; lift elevator;
    mail email; paid pay; kept keep; left leave; bought buy; sent send; told tell; lost lose; stolen steal;
    spent spend; made make; chosen choose; written write; began begin; taken take; given give; hour hr; minute min;
    newborn baby; deadline when; anonymous anonymously; employer company; finish complete; choose pick select;
    begun begin; assist help; film movie; journey trip; automobile car; bicycle bike; photo picture; job position;
    biggest largest
    """
_CANONICAL: dict[str, str] = {}
for _group in _SYNONYMS.split(";"):
    _words = [stem(word) for word in _group.split()]
    _home = next((_CANONICAL[word] for word in _words if word in _CANONICAL), _words[-1])
    _CANONICAL |= dict.fromkeys(_words, _home)

_TURNING = frozenset("off out down without against".split())  # noqa: SIM905
"""Small words that turn what is asked round, although they carry no meaning alone."""

_DO = r"(?:do|does|did|is|are|was|were|will|can|could|must|should|shall|may|might|am|have|has|would)\b"
_KINDS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("who", r"\b(?:who|whose|whom)\b|\bnames? of\b"),
        ("where", rf"\bwhere(?:'s)?\s+{_DO}|\bwhere\W*$|\b(?:what|which) place\b"),
        (
            "when",
            rf"\bwhen(?:'s|\s+{_DO})|\b(?:by|until|till|since|from) when\b|\bdeadline\b|\bhow soon\b|\bwhen\W*$"
            r"|\b(?:what|which|whose)\s+(?:\w+\s+)?(?:time|day|date|hour|month|year)\b",
        ),
        ("why", r"\bwhy\b"),
        ("often", r"\bhow (?:often|many times|frequently)\b"),
        (
            "duration",
            r"\bhow long\b|\bhow much time\b|\blength of\b|\bwithin (?:what|which) time\b"
            r"|\bhow far (?:in advance|ahead)\b",
        ),
        ("amount", r"\bhow (?:much|many|high|big|large)\b|\b(?:number|amount|percentage|share|part) of\b|\bhow far\b"),
        ("manner", rf"\bhow (?:{_DO}|to\b)"),
        ("polar", rf"(?:^|[.?!,;]\s*){_DO}"),
        ("what", r"\b(?:what|which)\b"),
    )
)
_LIKE = frozenset(
    frozenset(pair)
    for pair in (
        *(("amount", "what"), ("amount", "often"), ("amount", "duration"), ("duration", "when"), ("often", "what")),
        *(("", "what"), ("", "amount"), ("", "duration"), ("", "when")),
    )
)
_SPACED = re.compile(r"(?<=\d)[   ](?=\d{3}\b)")
_MAIL = re.compile(r"\be-mail", re.IGNORECASE)
_FRAME = re.compile(
    r"\b(?:share|part|portion|percentage|proportion|names?) of\b|\b(?:what|which) place\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a question says, so that two can be compared."""

    words: frozenset[str]
    numbers: frozenset[str]
    quantities: tuple[Quantity, ...]
    bounds: frozenset[Bound]
    turning: frozenset[str]
    coming_from: frozenset[str]
    going_to: frozenset[str]
    kinds: frozenset[str]
    negated: bool


def parsed(question: str) -> Parsed:
    text = _MAIL.sub("email", _SPACED.sub("", question))
    said = tokens(text)
    return Parsed(
        words=frozenset(_meaning(tokens(_FRAME.sub(" ", text)))),
        numbers=numbers(" ".join(said)) - {"1"},
        quantities=tuple(quantities(said)),
        bounds=frozenset(Bound(_CANONICAL.get(bound.anchor, bound.anchor), bound.lower) for bound in bounds(said)),
        turning=frozenset(word.lower() for word in said if word.lower() in _TURNING),
        coming_from=frozenset(_after("from", said)),
        going_to=frozenset(_after("to", said)),
        kinds=frozenset(kind for kind, pattern in _KINDS if pattern.search(text)) or frozenset({""}),
        negated=is_negated(text),
    )


def difference(one: Parsed, other: Parsed) -> str:
    """What keeps two questions from being the same; empty when nothing does."""
    return next(_differences(one, other), "")


def _differences(one: Parsed, other: Parsed) -> Iterator[str]:
    if not (one.words or one.numbers):
        yield "says nothing"
    if one.negated != other.negated:
        yield "negation"
    if one.numbers != other.numbers or not _same_quantities(one.quantities, other.quantities):
        yield "number"
    if one.words != other.words:
        yield f"words {', '.join(sorted(one.words ^ other.words))}"
    if not _same_limits(one, other):
        yield "limit"
    if one.turning != other.turning or one.coming_from & other.going_to or one.going_to & other.coming_from:
        yield "direction"
    if not _same_kind(one.kinds, other.kinds):
        yield f"asks for {'/'.join(sorted(one.kinds))} and {'/'.join(sorted(other.kinds))}"


def _meaning(said: Sequence[str]) -> Iterator[str]:
    """Canonical stems of the words with meaning. Numbers are compared for themselves."""
    for token in said:
        word = token.lower()
        if word in ("%", "€", "$", "£") or (
            word.isalnum() and not _has_digit(word) and word not in STOP_WORDS and word not in NEGATIONS
        ):
            stemmed = canonical(word)
            if stemmed not in _LIGHT and stemmed != "when" and not numbers(word):
                yield stemmed


def canonical(word: str) -> str:
    stemmed = stem(word)
    return _CANONICAL.get(stemmed, stemmed)


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)


def _after(preposition: str, said: Sequence[str]) -> Iterator[str]:
    for at, token in enumerate(said):
        if token.lower() == preposition:
            following = (word.lower() for word in said[at + 1 : at + 4])
            yield from [canonical(word) for word in following if word.isalpha() and word not in STOP_WORDS][:1]


def _same_quantities(ours: Sequence[Quantity], theirs: Sequence[Quantity]) -> bool:
    return all(any(_agree(one, other) for other in theirs) for one in ours) and all(
        any(_agree(one, other) for other in ours) for one in theirs
    )


def _agree(one: Quantity, other: Quantity) -> bool:
    shared = one.units.keys() & other.units.keys()
    return one.value == other.value and all(one.units[kind] == other.units[kind] for kind in shared)


def _same_limits(one: Parsed, other: Parsed) -> bool:
    """A limit at a number stands in both or in none; one at a word is not turned round, nor at another word."""
    if {bound for bound in one.bounds if _has_digit(bound.anchor)} != {
        bound for bound in other.bounds if _has_digit(bound.anchor)
    }:
        return False
    for lower in (True, False):
        ours, theirs = _anchors(one.bounds, lower=lower), _anchors(other.bounds, lower=lower)
        if ours and theirs and not ours & theirs:
            return False
        if ours & _anchors(other.bounds, lower=not lower):
            return False
    upper = _anchors(one.bounds, lower=False) & other.coming_from, _anchors(other.bounds, lower=False) & one.coming_from
    return not any(upper)


def _anchors(limits: frozenset[Bound], *, lower: bool) -> frozenset[str]:
    return frozenset(bound.anchor for bound in limits if bound.lower is lower)


def _same_kind(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return any(one == other or frozenset((one, other)) in _LIKE for one in ours for other in theirs)
