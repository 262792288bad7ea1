"""Personal data that can be told by its form: addresses of the network, numbers with a checksum, telephone numbers.

No model and no network: light enough for every line that any of the programs logs.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from urllib.parse import urlsplit

import phonenumbers
from stdnum import iban, luhn
from stdnum.be import nn
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.ie import pps
from stdnum.it import codicefiscale
from stdnum.pl import pesel
from stdnum.us import ssn

from answerloop.domain import Finding, PersonalDataType
from answerloop.errors import ConfigurationError
from answerloop.telephones import Telephones

Found = Iterator[tuple[int, int]]


class ExactRecognisers:
    """Finds those of the given types that have a form.

    `regions` (ISO 3166) say whose identity numbers, national telephone numbers and bare domains are known. Raises
    ConfigurationError for one that is none.
    """

    def __init__(self, types: Collection[PersonalDataType], regions: Collection[str]) -> None:
        unknown = sorted(set(regions) - phonenumbers.SUPPORTED_REGIONS)
        if unknown:
            raise ConfigurationError(
                f"ANSWERLOOP_REDACTION_REGIONS: {', '.join(unknown)} is no region. Use two-letter codes: "
                f"{', '.join(sorted(phonenumbers.SUPPORTED_REGIONS))}."
            )
        finders: dict[PersonalDataType, Callable[[str], Found]] = {  # where two find the same, the upper one names it
            PersonalDataType.EMAIL_ADDRESS: _emails,
            PersonalDataType.URL: _urls(regions),
            PersonalDataType.IP_ADDRESS: _ip_addresses,
            PersonalDataType.IBAN_CODE: _ibans,
            PersonalDataType.CREDIT_CARD: _cards,
            PersonalDataType.IDENTITY_NUMBER: _identity_numbers(regions),
            PersonalDataType.PHONE_NUMBER: Telephones(regions).find,
        }
        self._finders = {type_: finder for type_, finder in finders.items() if type_ in types}

    def find(self, text: str) -> list[Finding]:
        """In order, none overlapping another."""
        return without_overlaps(
            Finding(type_, start, end) for type_, finder in self._finders.items() for start, end in finder(text)
        )

    def blank(self, text: str) -> str:
        """The text with the type of the data in its place, for logs: nobody is to restore anything there."""
        for finding in reversed(self.find(text)):
            text = f"{text[: finding.start]}<{finding.type}>{text[finding.end :]}"
        return text


def without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    """In order of the text. Where findings overlap, one covers them all, with the type of the longest."""
    merged: list[tuple[Finding, int]] = []  # with the length of the finding that gave the type
    for finding in sorted(findings, key=lambda finding: (finding.start, -finding.end)):
        length = finding.end - finding.start
        if merged and finding.start < merged[-1][0].end:
            last, longest = merged[-1]
            type_ = finding.type if length > longest else last.type
            merged[-1] = Finding(type_, last.start, max(last.end, finding.end)), max(length, longest)
        else:
            merged.append((finding, length))
    return [finding for finding, _ in merged]


# --- addresses of the network ----------------------------------------------------------------------------------------

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]*[\w]@\w[\w-]*(?:\.\w[\w-]*)*\.[^\W\d_]{2,}")
_URL_WITH_SCHEME = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s<>\"]+", re.IGNORECASE)
_DOMAIN = r"(?<![\w@.-])(?:[\w-]+\.)+(?:{top_level})(?![\w@-]|\.\w)(?:[/?#][^\s<>\"]*)?"
_GENERIC = ("com", "org", "net", "edu", "gov", "info", "biz", "eu", "io")
_END_OF_SENTENCE = ".,;:!?)]}'’”*"
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[a-f:]*\d)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])",
    re.IGNORECASE,
)


def _emails(text: str) -> Found:
    if "@" in text:
        yield from (match.span() for match in _EMAIL.finditer(text))


def _urls(regions: Collection[str]) -> Callable[[str], Found]:
    """Those with a scheme, and bare domains of the regions. A name without a dot is a machine of the house."""
    own = {"uk" if region == "GB" else region.lower() for region in regions}
    bare = re.compile(rf"(?:www\.\S+)|{_DOMAIN.format(top_level='|'.join(sorted(own | set(_GENERIC))))}")

    def find(text: str) -> Found:
        for match in _URL_WITH_SCHEME.finditer(text):
            url = match.group().rstrip(_END_OF_SENTENCE)
            if _leads_outside(url):
                yield match.start(), match.start() + len(url)
        for match in bare.finditer(text):
            yield match.start(), match.start() + len(match.group().rstrip(_END_OF_SENTENCE))

    return find


def _leads_outside(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.username is not None or ("." in host and not _is_this_machine(host))


def _ip_addresses(text: str) -> Found:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                ipaddress.ip_address(match.group())
            except ValueError:
                continue
            if not _is_this_machine(match.group()):
                yield match.span()


def _is_this_machine(host: str) -> bool:
    """Every machine calls itself so: it says nothing of a person."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_unspecified or str(address) in ("127.0.0.1", "::1")


# --- numbers with a checksum -----------------------------------------------------------------------------------------

_IBAN = re.compile(r"(?<![\w])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.+-])(?:[2-6]|1800|0604)\d*(?:[ -]?\d)+(?![\w-]|\.\d)")
_CARD_DIGITS = range(12, 20)


def _ibans(text: str) -> Found:
    """Mod 97 and the country's format. A word after the number is taken in by the pattern, and let go again."""
    for match in _IBAN.finditer(text):
        for end in range(match.end(), match.start() + 14, -1):
            if not text[end : end + 1].isalnum() and iban.is_valid(text[match.start() : end], check_country=False):
                yield match.start(), end
                break


def _cards(text: str) -> Found:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if len(digits) in _CARD_DIGITS and luhn.is_valid(digits):
            yield match.span()


_IDENTITY_NUMBERS: dict[str, tuple[tuple[str, Callable[[str], bool]], ...]] = {  # region → how it looks, what must hold
    "BE": ((r"\d{2}[.]?\d{2}[.]?\d{2}[-. ]?\d{3}[. ]?\d{2}", nn.is_valid),),
    "ES": ((r"\d{8}[- ]?[A-Z]", dni.is_valid), (r"[XYZ][- ]?\d{7}[- ]?[A-Z]", nie.is_valid)),
    "FR": ((r"[12](?: ?\d{2}){2} ?(?:\d{2}|2[AB])(?: ?\d{3}){2} ?\d{2}", nir.is_valid),),
    "GB": ((r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]", lambda _: True),),  # it has no check digit
    "IE": ((r"\d{7}[A-W][A-IW]?", pps.is_valid),),
    "IT": ((r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),),
    "PL": ((r"\d{11}", pesel.is_valid),),
    "US": (
        (r"\d{3}[- ]\d{2}[- ]\d{4}", lambda number: bool(ssn.is_valid(number.replace(" ", "-")))),
        (r"(?i:ssn|social security(?: number)?)(?: is| no\.?|:| #)*[ ]*(\d{9})", ssn.is_valid),
    ),
}


def _identity_numbers(regions: Collection[str]) -> Callable[[str], Found]:
    known = [
        (re.compile(rf"(?<![\w.+-])(?:{pattern})(?![\w-]|\.\d)"), is_valid)
        for region in regions
        for pattern, is_valid in _IDENTITY_NUMBERS.get(region, ())
    ]

    def find(text: str) -> Found:
        for pattern, is_valid in known:
            for match in pattern.finditer(text):
                number = match.lastindex or 0  # the group that is the number, where words before it belong to the form
                if is_valid(match.group(number)):
                    yield match.span(number)

    return find
