"""What an abbreviation in a question stands for, as the documents themselves say: "Paid Time Off (PTO)"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from answerloop.text import STOP_WORDS, words

_SHORT_IN_BRACKETS = re.compile(r"\(([A-Z][A-Z0-9&-]{1,7})s?\)")
_WORD = re.compile(r"[^\W\d_][\w'’]*")
_SMALL = frozenset(["a", "an", "and", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with"])
LONGEST_CHARACTERS = 120


def expansion(question: str, texts: Iterable[str]) -> str:
    """The other forms of what the question names, to be searched beside it; empty when the texts define none of it."""
    asked = words(question)
    found: dict[str, str] = {}
    for short, long in definitions(texts):
        spelled_out, abbreviated = words(long), words(short)
        if short.lower() in STOP_WORDS and short not in question:  # "us" is not the US
            continue
        if _runs_in(abbreviated, asked) and not _runs_in(spelled_out, asked):
            found.setdefault(short, long)
        elif _runs_in(spelled_out, asked) and not _runs_in(abbreviated, asked):
            found.setdefault(short, short)
    return " ".join(found.values())


def definitions(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of an abbreviation in brackets and the words before it that begin with its letters."""
    for text in texts:
        for match in _SHORT_IN_BRACKETS.finditer(text):
            long = _long_form(match[1], text[max(0, match.start() - LONGEST_CHARACTERS) : match.start()])
            if long:
                yield match[1], long


def _long_form(short: str, before: str) -> str:
    said = list(_WORD.finditer(before))
    for letter in reversed([letter for letter in short.lower() if letter.isalpha()]):
        while said and said[-1][0].lower() in _SMALL and not said[-1][0].lower().startswith(letter):
            said.pop()
        if not said or not said[-1][0].lower().startswith(letter):
            return ""
        start = said.pop().start()
    return " ".join(before[start:].split())


def _runs_in(wanted: list[str], said: list[str]) -> bool:
    return any(said[start : start + len(wanted)] == wanted for start in range(len(said) - len(wanted) + 1))
