"""What can be told from words alone: content words, numbers, negation, and text without its markup."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

STOP_WORDS = frozenset(
    """
    a about above after again all also am an and any are as at be because been before being below between both
    but by can could did do does doing down during each few for from further get gets got had has have having
    he her here hers him his how i if in into is it its itself just me more most must my no nor not of off on
    once only or other our ours out over own please same shall she should so some such tell than that the
    their theirs them then there these they this those through to too under until up us very was we were what
    when where which while who whom whose why will with would you your yours
    """.split()  # noqa: SIM905 - a word list reads better as words
)
NEGATIONS = frozenset(
    "no not never none nobody nothing neither nor without cannot except unless prohibited forbidden".split()  # noqa: SIM905
)

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CODE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,12})([-_/.# ]?)(\d{1,12})(?![0-9])")
_CODE_ENDING = re.compile(r"(?<![A-Za-z0-9])(\d{1,12})[-_/(]([A-Za-z]{1,3})(?![A-Za-z0-9])")
_COMPOUND = re.compile(r"(?<![\w-])([A-Za-z]{1,12})-([A-Za-z]{1,12})(?![\w-])")
_NUMBER = re.compile(r"(?<![\w])\d+(?:[.,:]\d+)*")
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBER_WORDS = (
    {word: str(value) for value, word in enumerate(_ONES)}
    | {word: str(10 * value) for value, word in enumerate(_TENS, start=2)}
    | {"hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000"}
)


def words(text: str) -> list[str]:
    """Lower-case words and numbers, in order."""
    return [match.lower() for match in _WORD.findall(unicodedata.normalize("NFKC", text))]


class _Stemmer(threading.local):
    """A stemmer for each thread: it keeps the word it works on in itself."""

    def __init__(self) -> None:
        self.snowball = snowballstemmer.stemmer("english")


_stemmer = _Stemmer()


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    return str(_stemmer.snowball.stemWord(word))


def content_words(text: str) -> list[str]:
    """The stems that carry meaning, in order: no stop words."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def spellings(text: str) -> list[str]:
    """The other spellings of what is written with or without a hyphen or space, in lower case.

    "VPN-4471" and "VPN 4471" give "vpn4471"; "f1099" gives itself, "f" and "1099"; "Wi-Fi" gives "wifi".
    """
    found: list[str] = []
    for letters, joint, digits in _CODE.findall(text):
        if joint != " " or letters.lower() not in STOP_WORDS:
            found += [letters + digits] if joint else [letters + digits, letters, digits]
    found += [one + other for pattern in (_CODE_ENDING, _COMPOUND) for one, other in pattern.findall(text)]
    return list(dict.fromkeys(word.lower() for word in found))


def search_words(text: str) -> list[str]:
    """What a lexical index is asked for: the words that carry meaning, unstemmed, in every spelling.

    All words when none of them carries meaning.
    """
    said = words(text)
    return [word for word in said if word not in STOP_WORDS] + spellings(text) or said


def numbers(text: str) -> frozenset[str]:
    """Every number, as digits without thousands separators: "1,500 EUR" and "twenty" give {"1500", "20"}."""
    digits = {_canonical(match) for match in _NUMBER.findall(text)}
    return frozenset(digits | {_NUMBER_WORDS[word] for word in words(text) if word in _NUMBER_WORDS})


def _canonical(number: str) -> str:
    grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number)
    plain = number.replace(",", "") if grouped else number.replace(",", ".")
    return plain.lstrip("0") or "0"


def is_negated(text: str) -> bool:
    found = words(text)
    return any(word in NEGATIONS or word.endswith(("n't", "n’t")) for word in found)


_MARKS = re.compile(r"\*+|`+|~~|(?<![^\W_])_+|_+(?![^\W_])")
_IMAGE = re.compile(r"!\[[^\]\[]*\](?:\([^)]*\)|\[[^\]]*\])?")
_LINK = re.compile(r"\[([^\]\[]*)\](?:\([^)]*\)|\[[^\]]*\])")
_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s+\S+.*$", re.MULTILINE)
_TAG = re.compile(r"<(?=[A-Za-z/!@#?])[^>]*>?")
_URL = re.compile(r"(?i)(?<![a-z])(?:[a-z][a-z0-9+.-]{0,30}://|www\.|mailto:|javascript:|data:)\S*|(?<![\w:/])//\w\S*")
_MENTION = re.compile(r"(?<!\w)[@#]+(?=\w)")
_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
LONGEST_PLAIN_CHARACTERS = 20_000


def plain(text: str) -> str:
    """The text a person reads, with everything gone that could link, load, mention or run.

    Invisible characters and emphasis go first, so that nothing hides behind them; then images, links in every Markdown
    form, HTML tags, chat mentions (`<@U1>`, `<!channel>`) and bare URLs lose their targets, until nothing changes.
    """
    text = text[:LONGEST_PLAIN_CHARACTERS].translate(_FULL_WIDTH)
    text = "".join(character for character in text if unicodedata.category(character) != "Cf").replace("\\", "")
    text = _DEFINITION.sub("", text)
    previous = None
    while previous != text:
        previous = text
        for pattern, kept in ((_MARKS, ""), (_IMAGE, ""), (_LINK, r"\1"), (_TAG, ""), (_URL, ""), (_MENTION, "")):
            text = pattern.sub(kept, text)
        text = text.replace("](", "] (").replace("][", "] [")
    return re.sub(r"\s+", " ", text).strip()
