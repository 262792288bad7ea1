"""The phrases of a sentence that could be the short answer to a question, with the features that tell good from bad.

A span of tokens is described by what it is (a number, a name, a noun phrase …), by where it stands (beside the words of
the question or far from them), and by both with the kind of the question: "when" wants dates, "who" wants names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from spacy.tokens import Doc, Token

from answerloop.text import STOP_WORDS, content_words, stem, words

LONGEST_WORDS = 9
MOST_REPEATED = 0.5
"""Share of a phrase's content words that the question may have said already: "error VPN-4471" answers nothing."""
_EDGES = " .,;:!?\"'“”‘’()[]"
_PREPOSITIONS = frozenset(
    "about after as at before between by during for from in into of on over since through to under until with within".split()  # noqa: E501, SIM905
)
_NOT_FIRST = frozenset(
    "also and are be been being but can could did do does each either had has have he her his i if is it its may might "  # noqa: SIM905
    "must my of only or our she should so than that their then they was we were when which while who whom whose will "
    "would you your".split()
)
_NOT_LAST = (
    _NOT_FIRST | _PREPOSITIONS | frozenset("a an no not per the these this those via".split())  # noqa: SIM905
)
_DATE_WORDS = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday "  # noqa: SIM905
    "thursday friday saturday sunday".split()
)
_TIME_UNITS = frozenset("day month week year hour minute second".split())  # noqa: SIM905
_ENTITY_KINDS = {
    **dict.fromkeys(("DATE", "TIME"), "date"),
    **dict.fromkeys(("NORP", "ORG", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW", "LANGUAGE"), "name"),
    **dict.fromkeys(("GPE", "LOC", "FAC"), "place"),
    **dict.fromkeys(("MONEY", "QUANTITY", "CARDINAL", "PERCENT", "ORDINAL"), "amount"),
    "PERSON": "person",
}
_KINDS_OF_QUESTION = (
    ("how many", re.compile(r"\bhow (?:many|much)\b|\bwhat (?:number|percentage|percent|amount|size|age)\b")),
    ("how long", re.compile(r"\bhow (?:long|soon|often|old|far|tall|big|large|late|early|high|fast)\b")),
    ("when", re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time|deadline|century|decade)\b")),
    ("where", re.compile(r"\bwhere\b")),
    ("who", re.compile(r"\bwho(?:m|se)?\b")),
    ("why", re.compile(r"\bwhy\b")),
    ("which", re.compile(r"\bwhich\b")),
    ("what", re.compile(r"\bwhat\b")),
    ("how", re.compile(r"\bhow\b")),
)
_ASKED_FOR = re.compile(r"\b(?:what|which|whose|how many|how much)\s+((?:[A-Za-z'-]+\s*){1,4})", re.IGNORECASE)
_EMPTY_NOUNS = frozenset("kind name sort type".split())  # noqa: SIM905


@dataclass(frozen=True)
class Asked:
    """What a question tells about its answer."""

    kind: str
    stems: frozenset[str]
    wanted: frozenset[str]
    """The stems of the noun that is asked for: "what error code …" wants an error code."""

    @classmethod
    def of(cls, question: str) -> Asked:
        text = " ".join(words(question))
        kind = next((name for name, pattern in _KINDS_OF_QUESTION if pattern.search(text)), "other")
        return cls(kind, frozenset(content_words(question)), frozenset(_wanted(question)))


def _wanted(question: str) -> list[str]:
    found: list[str] = []
    match = _ASKED_FOR.search(question)
    for word in words(match[1]) if match else []:
        if word in STOP_WORDS or word in _EMPTY_NOUNS:
            if found:
                break
            continue
        found.append(stem(word))
    return found[:3]


@dataclass(frozen=True)
class Phrase:
    """Tokens `start` to `end` of a sentence, with the features of its fitness."""

    text: str
    features: dict[str, float]


class ReadSentence:
    """A parsed sentence in the light of a question.

    `rank` is its place among the evidence, from 0; `behind` is how much lower its score is than the best sentence's.
    """

    def __init__(self, doc: Doc, asked: Asked, rank: int, behind: float) -> None:
        self._tokens = list(doc)
        self._doc = doc
        self._asked = asked
        self._rank = rank
        self._behind = behind
        self._stems = [stem(token.lower_) for token in self._tokens]
        self._matches = [place for place, word in enumerate(self._stems) if word in asked.stems]
        self._entities = {(entity.start, entity.end): _ENTITY_KINDS.get(entity.label_, "other") for entity in doc.ents}

    def phrases(self) -> Iterator[Phrase]:
        for start, end in self._spans():
            text = self._doc[start:end].text.strip(_EDGES)
            if not text or len(text.split()) > LONGEST_WORDS:
                continue
            features = self._features(start, end, len(text.split()))
            if features["repeated"] <= MOST_REPEATED:
                yield Phrase(text, features)

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Whole words only: nothing is cut out of "mid-June" or "10%". What stands before a colon is a label."""
        tokens = self._tokens
        for start, first in enumerate(tokens):
            glued = start > 0 and not tokens[start - 1].whitespace_ and _joins(tokens[start - 1])
            if first.is_punct or first.lower_ in _NOT_FIRST or glued:
                continue
            for end in range(start + 1, min(len(tokens), start + LONGEST_WORDS + 5) + 1):
                last = tokens[end - 1]
                if last.text in {".", "!", "?", ";", ":"}:
                    break
                if end < len(tokens) and tokens[end].text == ":":
                    continue
                cut = end < len(tokens) and not last.whitespace_ and _joins(tokens[end])
                possessive = end < len(tokens) and tokens[end].text in {"'s", "’s"}
                if not (last.is_punct or last.lower_ in _NOT_LAST or (cut and not possessive)):
                    yield start, end

    def _features(self, start: int, end: int, length: int) -> dict[str, float]:
        kinds = self._kinds(start, end, length)
        features = self._measures(start, end, length)
        features |= dict.fromkeys(kinds, 1.0)
        features |= dict.fromkeys((f"{self._asked.kind}|{kind}" for kind in kinds), 1.0)
        return features

    def _measures(self, start: int, end: int, length: int) -> dict[str, float]:
        asked = self._asked
        inside = [
            word
            for word, token in zip(self._stems[start:end], self._tokens[start:end], strict=True)
            if token.lower_ not in STOP_WORDS and not token.is_punct
        ]
        repeated = [word for word in inside if word in asked.stems]
        distances = [start - at if at < start else at - end + 1 for at in self._matches if not start <= at < end]
        outside = {*self._stems[:start], *self._stems[end:]}
        questions = max(len(asked.stems), 1)
        return {
            "length": length / 8,
            f"{asked.kind}|length": length / 8,
            "behind": self._behind,
            f"rank {self._rank}": 1.0,
            "repeated": len(repeated) / max(1, len(inside)),
            "proximity": sum(1 / (1 + distance) for distance in distances) / questions,
            "nearest": 1 / min(distances, default=15),
            "far": min(min(distances, default=15), 15) / 15,
            "context": len(asked.stems & outside) / questions,
        }

    def _kinds(self, start: int, end: int, length: int) -> set[str]:
        tells = {
            **self._is(start, end),
            **self._stands(start, end),
            **self._repeats(start, end),
            "one word": length == 1,
            "two words": length == 2,  # noqa: PLR2004
            "six words": length >= 6,  # noqa: PLR2004
        }
        return {name for name, holds in tells.items() if holds}

    def _is(self, start: int, end: int) -> dict[str, bool]:
        """What the span itself is."""
        tokens = self._tokens[start:end]
        first, last = tokens[0], tokens[-1]
        entity = self._entities.get((start, end)) or (
            self._entities.get((start - 1, end)) if start and self._tokens[start - 1].lower_ in {"the", "a"} else None
        )
        capitals = [token.text[:1].isupper() for token in tokens]
        return {
            "number": any(_has_number(token) for token in tokens),
            "numbers only": all(_is_amount(token) for token in tokens),
            "year": len(tokens) == 1 and bool(re.fullmatch(r"(1\d|20)\d\d", first.text)),
            "date word": any(token.lower_ in _DATE_WORDS for token in tokens),
            "time unit": any(stem(token.lower_) in _TIME_UNITS for token in tokens),
            "capitals": all(capitals[0:1])
            and all(
                capital or token.lower_ in {"of", "the", "and", "de", "von"} or token.is_punct
                for capital, token in zip(capitals, tokens, strict=True)
            )
            and (start > 0 or entity is not None),
            "a capital": any(capital for capital, token in zip(capitals, tokens, strict=True) if token.i > 0),
            "verb": any(token.pos_ in {"VERB", "AUX"} for token in tokens),
            "verb first": first.pos_ in {"VERB", "AUX"},
            "infinitive": first.lower_ == "to" and len(tokens) > 1 and tokens[1].pos_ == "VERB",
            "preposition first": first.lower_ in _PREPOSITIONS,
            "article first": first.lower_ in {"the", "a", "an"},
            "noun last": last.pos_ in {"NOUN", "PROPN"},
            "adjective last": last.pos_ == "ADJ",
            "adverb last": last.pos_ == "ADV",
            "list": any(token.lower_ in {"and", "or"} for token in tokens),
            "noun chunk": (start, end) in self._chunks,
            "subtree": (start, end) in self._subtrees,
            "entity": entity is not None,
            f"entity {entity}": entity is not None,
            "cuts an entity": any(a < start < b - (a + 1 == start) or a < end < b for a, b in self._entities),
        }

    def _stands(self, start: int, end: int) -> dict[str, bool]:
        """What is around it, and what it is in the sentence."""
        tokens, roles = self._tokens, {token.dep_ for token in self._tokens[start:end]}
        before = tokens[start - 1] if start else None
        after = tokens[end] if end < len(tokens) else None
        return {
            "at the start": before is None,
            "at the end": end >= len(tokens) - 1,
            "after punctuation": before is not None and before.is_punct,
            "before punctuation": after is not None and after.is_punct,
            "in brackets": before is not None and before.text == "(",
            "after by": before is not None and before.lower_ == "by",
            "reason": tokens[start].lower_ in {"because", "due"}
            or (before is not None and before.lower_ in {"because", "since"}),
            "noun goes on": after is not None
            and after.pos_ in {"NOUN", "PROPN"}
            and tokens[end - 1].pos_ in {"NOUN", "ADJ", "PROPN", "NUM"},
            "noun began": before is not None
            and before.pos_ in {"NOUN", "PROPN", "ADJ", "NUM"}
            and tokens[start].pos_ in {"NOUN", "PROPN", "NUM"},
            "subject": not roles.isdisjoint({"nsubj", "nsubjpass"}),
            "object": not roles.isdisjoint({"dobj", "attr", "pobj", "oprd"}),
            "apposition": "appos" in roles,
        }

    def _repeats(self, start: int, end: int) -> dict[str, bool]:
        """How it stands to the words of the question."""
        stems, asked, wanted = self._stems, self._asked.stems, self._asked.wanted
        content = content_words(self._doc[start:end].text)
        return {
            "nothing new": bool(content) and set(content) <= asked,
            "repeats some": not asked.isdisjoint(content),
            "no content": not content,
            "wanted inside": not wanted.isdisjoint(content),
            "wanted last": stems[end - 1] in wanted,
            "wanted before": not wanted.isdisjoint(stems[max(0, start - 3) : start]),
            "wanted after": not wanted.isdisjoint(stems[end : end + 3]),
            "question before": start > 0 and stems[start - 1] in asked,
            "question after": end < len(stems) and stems[end] in asked,
            "question two before": start > 1 and stems[start - 2] in asked,
            "question two after": end + 1 < len(stems) and stems[end + 1] in asked,
        }

    @cached_property
    def _chunks(self) -> set[tuple[int, int]]:
        """Noun phrases, with and without their article."""
        whole = {(chunk.start, chunk.end) for chunk in self._doc.noun_chunks}
        return whole | {
            (start + 1, end) for start, end in whole if self._tokens[start].pos_ in {"DET", "PRON"} and end - start > 1
        }

    @cached_property
    def _subtrees(self) -> set[tuple[int, int]]:
        """Whole constituents, with and without the preposition or article before and the punctuation behind them."""
        found = set()
        for token in self._tokens:
            start, end = token.left_edge.i, token.right_edge.i + 1
            end -= self._tokens[end - 1].is_punct
            opens = self._tokens[start].lower_ in _PREPOSITIONS | {"the", "a", "an"}
            found |= {(start, end), (start + opens, end)}
        return found


def _joins(token: Token) -> bool:
    """What is written without a space beside it belongs to the same word."""
    return not token.is_punct or token.text in {"-", "–", "/"}


def _has_number(token: Token) -> bool:
    return bool(token.like_num) or any(character.isdigit() for character in token.text)


def _is_amount(token: Token) -> bool:
    return bool(token.like_num or token.is_punct or token.is_currency) or token.lower_ in {
        *("percent", "hundred", "thousand", "million", "billion")
    }
