"""Telephone numbers: the international form, the national forms of some regions, and digits grouped like one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import phonenumbers
from phonenumbers import NumberParseException

_EXTENSION = r"[ ]?(?:x|ext\.?|extension)[ ]?\d{1,6}"
_DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?!\d)"
_CANDIDATE = re.compile(
    rf"(?<![\w.:+/@$€£-])(?<![$€£] )(?:{_DATE}|(?P<number>[+(]?\d(?:[-. ()/]{{0,3}}\d){{6,14}})(?:{_EXTENSION})?)"
    r"(?![\w%€$£]|[-.:,/]\d)"
)
_NAMED_BEFORE = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell|fax|call|dial|ring|text|whatsapp|reach)\b[^.\n]{0,25}$", re.IGNORECASE
)
_NAMED_AFTER = re.compile(r"\W{1,3}(?:phone|mobile|cell|fax|office|home|work)\b", re.IGNORECASE)
_CURRENCY = re.compile(r"\b(?:EUR|USD|GBP|CHF|[A-Z]{2}D)\b")
_QUANTITY = re.compile(r"\d+\.\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?: \d{3})* 000")
_CARD_LIKE = re.compile(r"\d{4}(?:[ -]\d{4}){2}")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_CONTEXT = 40
"""Characters looked at before a number."""
_DIGITS = range(7, 16)
_DIGITS_WITH_TRUNK_PREFIX = range(9, 12)
_DIGITS_OF_YEARS = 8
_LONGEST_GROUP = 4


class Telephones:
    """Numbers of the whole world in the international form; of these regions also as people there write them."""

    def __init__(self, regions: Collection[str]) -> None:
        self._regions = tuple(regions)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        for match in _CANDIDATE.finditer(text):
            if match["number"] is None:  # a date
                continue
            before, after = text[max(0, match.start() - _CONTEXT) : match.start()], text[match.end() :][:_CONTEXT]
            if self._is_one(match["number"], before, after):
                yield match.span()

    def _is_one(self, number: str, before: str, after: str) -> bool:
        if number.startswith("+") or _NAMED_BEFORE.search(before) or _NAMED_AFTER.match(after):
            return True
        if _QUANTITY.fullmatch(number) or _CURRENCY.search(before[-5:]) or _CURRENCY.search(after[:5]):
            return False
        return self._is_national(number) if number.isdigit() else _is_grouped_like_one(number)

    def _is_national(self, digits: str) -> bool:
        """Begins with the prefix that most countries dial within, or is a number of a region that has none."""
        if digits.startswith("0"):
            return len(digits) in _DIGITS_WITH_TRUNK_PREFIX or digits.startswith("00")
        return any(
            phonenumbers.ndd_prefix_for_region(region, True) != "0" and _is_valid(digits, region)
            for region in self._regions
        )


def _is_valid(digits: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number_for_region(phonenumbers.parse(digits, region), region)
    except NumberParseException:
        return False


def _is_grouped_like_one(number: str) -> bool:
    """Two groups with four digits at the end, three groups or more, or any that begin with 0 or a bracket."""
    groups = re.findall(r"\d+", number)
    digits = sum(map(len, groups))
    if _CARD_LIKE.search(number) or (digits <= _DIGITS_OF_YEARS and any(_YEAR.fullmatch(group) for group in groups)):
        return False
    if number.startswith(("0", "(")):
        return digits in _DIGITS
    short = all(len(group) <= _LONGEST_GROUP for group in groups)
    return short and (len(groups) > 2 or len(groups[-1]) == _LONGEST_GROUP)  # noqa: PLR2004 - two groups, as said above
