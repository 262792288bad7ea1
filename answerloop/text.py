"""What can be told from words alone: content words, numbers, negation, and text without its markup."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "between",
        "both",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "down",
        "during",
        "each",
        "few",
        "for",
        "from",
        "further",
        "get",
        "gets",
        "got",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "me",
        "more",
        "most",
        "must",
        "my",
        "no",
        "nor",
        "not",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "ours",
        "out",
        "over",
        "own",
        "please",
        "same",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "such",
        "tell",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "yours",
    ]
)
NEGATIONS = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "nobody",
        "nothing",
        "neither",
        "nor",
        "without",
        "cannot",
        "except",
        "unless",
        "n't",
        "prohibited",
        "forbidden",
    ]
)

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_NUMBER = re.compile(r"(?<![\w])\d+(?:[.,:]\d+)*")
_NUMBER_WORDS = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ],
        map(str, range(21)),
        strict=True,
    )
) | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "hundred": "100"}


def words(text: str) -> list[str]:
    """Lower-case words and numbers, in order."""
    return [match.lower() for match in _WORD.findall(unicodedata.normalize("NFKC", text))]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    return _stemmer().stemWord(word)  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _stemmer() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("english")


def content_words(text: str) -> list[str]:
    """The stems that carry meaning, in order: no stop words."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def numbers(text: str) -> frozenset[str]:
    """Every number, as digits without thousands separators: "1,500 EUR" and "twenty" give {"1500", "20"}."""
    digits = {_canonical(match) for match in _NUMBER.findall(text)}
    return frozenset(digits | {_NUMBER_WORDS[word] for word in words(text) if word in _NUMBER_WORDS})


def _canonical(number: str) -> str:
    grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number)
    plain = number.replace(",", "") if grouped else number.replace(",", ".")
    return plain.lstrip("0") or "0"


def names(text: str) -> frozenset[str]:
    """Words written with a capital or in capitals inside a sentence, and identifiers such as VPN-4471: lower case."""
    found = re.findall(r"(?<=[\w,;:\"'()–-] )[A-Z][\w-]+|\b[A-Z]{2,}[\w-]*\b|\b\w*\d+-\w+\b", text)
    return frozenset(name.lower() for name in found if name.lower() not in STOP_WORDS)


def is_negated(text: str) -> bool:
    found = words(text)
    return any(word in NEGATIONS or word.endswith(("n't", "n’t")) for word in found)


_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s+\S+.*$", re.MULTILINE)
_ANGLE = re.compile(r"<[^>\s][^>]*>")
_URL = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.|mailto:|javascript:|data:)\S+")


def plain(text: str) -> str:
    """The text a person reads, with everything gone that could link, load, mention or run.

    Images, links in every Markdown form, autolinks, HTML tags and chat mentions (`<@U1>`, `<!channel>`) lose their
    targets; bare URLs are dropped; emphasis and code marks are removed.
    """
    text = _DEFINITION.sub("", text)
    for pattern, replacement in ((_IMAGE, ""), (_LINK, r"\1"), (_ANGLE, ""), (_URL, "")):
        previous = None
        while previous != text:  # nested forms unwrap from the inside
            previous, text = text, pattern.sub(replacement, text)
    text = re.sub(r"(?<!\w)[@#](?=\w)", "", text)
    text = re.sub(r"(\*\*|__|`+|~~)", "", text)
    return re.sub(r"\s+", " ", text).strip()
