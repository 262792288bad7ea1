"""Numbers, dates and limits of an English text, in one form: "over twenty-five days" is 25, a lower limit, in days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from answerloop.text import STOP_WORDS, numbers, stem

UNIT_REACH = 3
"""Tokens after a number among which its unit may stand: "10 working days", "50 per calendar month"."""
BOUND_REACH = 3
"""Tokens after the word of a limit among which its number may stand: "under EUR 50"."""

_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
_MONTH = "(?P<month>" + "|".join(rf"{month[:3]}(?:{month[3:]}|\.)?" for month in _MONTHS) + r")\b"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})\b",
        r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})\b",
        rf"\b{_DAY}(?:\s+of)?\s+{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?",
        rf"\b{_MONTH}\s+{_DAY}(?:\s?,?\s+(?P<year>\d{{4}}))?",
    )
)
_LOWER = (
    "at least|(?:a )?minimum(?: of)?|(?:more|greater|longer|later|higher|older) than|over|above|beyond|after|since"
    "|exceed(?:s|ing)?"
)
_UPPER = (
    "at most|(?:a )?maximum(?: of)?|up to|(?:less|fewer|smaller|shorter|earlier|lower|younger) than|under|below|within"
    "|before|until|till"
)
_OPPOSITE = {"<": ">", ">": "<"}
_REWRITES = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"[’`]", "'"),
        (r"\bcan(?:\s?not|'t)\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"\s?n't\b", " not"),
        (r"\s?'(?:s|re|ve|ll|d|m)?(?!\w)", " "),
        (r"\b(?:prohibited|forbidden|disallowed|banned)\b", "not allowed"),
        (r"\bpermitted\b", "allowed"),
        (r"\b([ap])\.\s?m\.?(?!\w)", r"\1m"),
        (r"^\s*(?:yes|no|yeah|not really)\s*[,.!]", ""),
        (r"\bnot only\b|\bno\.(?=\s?\d)", " "),
        (r"\b(carr\w+|hand\w+|roll\w+|t[ao]k\w+|left) over\b", r"\1"),
        (r"\bor (?:more|above|over|longer|later|higher)\b", " ≥ "),
        (r"\bor (?:less|fewer|below|under|shorter|earlier|lower)\b", " ≤ "),
        (rf"\b(?:{_LOWER})\b", " > "),
        (rf"\b(?:{_UPPER})\b", " < "),
    )
)
_NEGATED_LIMIT = re.compile(r"\b(?:no|not|never)\s+(?:be\s+)?([<>])", re.IGNORECASE)
_TOKEN = re.compile(r"date\d{4}|\d+(?:[.,:]\d+)*|[^\W\d_]+|[<>≤≥%€$£.,;:()!?]")
_TENS = frozenset("twenty thirty forty fifty sixty seventy eighty ninety".split())  # noqa: SIM905
_SCALES = frozenset("hundred thousand million billion".split())  # noqa: SIM905
_UNITS = {
    **{stem(unit): ("time", unit) for unit in ("minute", "hour", "day", "week", "month", "year")},
    **{stem(unit): ("currency", unit) for unit in ("eur", "usd", "gbp", "chf")},
    **{unit: ("half of the day", unit) for unit in ("am", "pm")},
    **{unit: ("size", unit) for unit in ("mb", "gb", "tb")},
    **dict.fromkeys(("%", "percent"), ("share", "percent")),
    **dict.fromkeys(("€", "euro"), ("currency", "eur")),
    **dict.fromkeys(("$", "dollar"), ("currency", "usd")),
    **dict.fromkeys(("£", "pound"), ("currency", "gbp")),
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or day of the year in one form, with its units by kind: {"time": "day", "currency": "eur"}."""

    value: str
    units: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit at a number or a word: "at least 5" and "after the trip" are lower ones."""

    anchor: str
    lower: bool


def tokens(text: str) -> list[str]:
    """Words, numbers and marks in order, with their case. A day becomes `date0701`, and the word of a limit `<` or `>`,
    or `≤` or `≥` where it stands after its number ("or more")."""
    for pattern in _DATES:
        text = pattern.sub(_date, text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return _TOKEN.findall(_NEGATED_LIMIT.sub(lambda match: _OPPOSITE[match[1]], text))


def _date(match: re.Match[str]) -> str:
    month = match["month"]
    number = int(month) if month.isdigit() else [name[:3] for name in _MONTHS].index(month[:3].title()) + 1
    return f" date{number:02}{int(match['day']):02} {match['year'] or ''} " if number <= len(_MONTHS) else match[0]


def named(value: str) -> str:
    """For people: "number 25", "date 1 July", "travel"."""
    if _is_day(value):
        return f"date {int(value[6:])} {_MONTHS[int(value[4:6]) - 1]}"
    return f"number {value}" if value[:1].isdigit() else value


def quantities(text: Sequence[str]) -> Iterator[Quantity]:
    """Of a list of `tokens`."""
    return (Quantity(value, _units(text, start, end)) for start, end, value in _values(text))


def bounds(text: Sequence[str]) -> Iterator[Bound]:
    """Of a list of `tokens`: each limit at the nearest number, or else at the next content word."""
    values = {start: value for start, _, value in _values(text)}
    for at, mark in enumerate(text):
        if mark in ("<", ">"):
            near = (values[after] for after in range(at + 1, at + 1 + BOUND_REACH) if after in values)
            word = next((word for word in text[at + 1 :] if word.isalpha() and word.lower() not in STOP_WORDS), "")
            yield Bound(next(near, stem(word.lower())), mark == ">")
        elif mark in ("≤", "≥"):
            near = (values[before] for before in range(at - 1, at - 1 - BOUND_REACH, -1) if before in values)
            yield from (Bound(value, mark == "≥") for value in islice(near, 1))


def _values(text: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Start, end and value of each number: "two hundred" and "twenty five" are one. "One of them" is none."""
    at = 0
    while at < len(text):
        start, value = at, _value(text[at])
        at += 1
        if not value:
            continue
        following = text[at].lower() if at < len(text) else ""
        if text[start].lower() in _TENS and len(_value(following)) == 1:
            value, at = str(int(value) + int(_value(following))), at + 1
        elif following in _SCALES and value.replace(".", "", 1).isdigit():
            value, at = f"{float(value) * float(_value(following)):f}".rstrip("0").rstrip("."), at + 1
        elif text[start].lower() == "one" and stem(following) not in _UNITS:
            continue
        yield start, at, value


def _value(token: str) -> str:
    return token if _is_day(token) else next(iter(numbers(token)), "")


def _is_day(token: str) -> bool:
    return token.startswith("date") and token[4:].isdigit()


def _units(text: Sequence[str], start: int, end: int) -> dict[str, str]:
    """Of each kind the nearest after the number, or the currency before it."""
    after = text[end : end + UNIT_REACH]
    unbroken = list(takewhile(lambda word: word not in ",;.()" and not _value(word), after))
    near = [*unbroken[::-1], *text[max(0, start - 1) : start]]
    return dict(_UNITS[name] for name in (stem(token.lower()) for token in near) if name in _UNITS)
