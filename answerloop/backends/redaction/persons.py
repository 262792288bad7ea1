"""Who is a person: runs of capitalised words, weighed by the model, by lists of names and by what stands around them.

The small English model alone finds two of three foreign names; the weights were set on 300 texts (benchmarks/LOG.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex
from spacy.tokens import Doc

from answerloop.backends.redaction import cues
from answerloop.backends.redaction.gazetteer import Gazetteer

ENOUGH = 2.0
"""From this sum of evidence on it is a person."""
CERTAIN = 5.0

_WORD = r"\p{Lu}[\p{L}\p{M}]*(?:['’](?!s\b)\p{L}+|-\p{L}+)*"
_PARTICLE = r"(?:de|van|von|der|den|del|della|di|da|dos|du|la|le|bin|ibn|al|el|ten|ter|af|zu)"
_INITIAL_DOT = r"(?:(?<=\b\p{Lu})\.)?"
_NEXT_WORD = rf"{_INITIAL_DOT}[ \xa0](?:{_PARTICLE}[ ]){{0,2}}{_WORD}"
_RUN = regex.compile(rf"(?<![\p{{L}}\p{{N}}@./_-]){_WORD}(?:{_NEXT_WORD})*(?![\p{{L}}\p{{N}}@_])")
_NAME_WORD = regex.compile(_WORD)
_ACRONYM = regex.compile(r"\p{Lu}{2,}|(?!(?:Ma?c|De|Di|La|Le|Van|Fitz|O['’])\p{Lu})\p{L}*\p{Ll}\p{Lu}\p{L}*")
_PERSON_LABELS = frozenset({"PERSON", "PER"})
_CALENDAR_LABELS = frozenset({"DATE", "TIME", "LANGUAGE", "LAW", "NORP"})
_CONTEXT = 80
_PRONOUN_WITHIN = 120
"""Characters looked at on either side, and for a pronoun that takes the name up."""
_LONGEST_NAME = 5
_LETTERHEAD_WORDS = range(2, 5)


@dataclass(frozen=True, slots=True)
class Run:
    """Words that may be a name, at these character offsets of a text."""

    start: int
    end: int
    words: tuple[str, ...]
    common: tuple[bool, ...]
    """Which of the words are ordinary ones and nobody's first name."""


class PersonFinder:
    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    def find(self, doc: Doc) -> list[tuple[int, int, float]]:
        """Start, end and certainty (0 to 1) of each name. A name found once is found wherever its words stand."""
        runs = [run for match in _RUN.finditer(doc.text) if (run := self._run(doc, *match.span()))]
        evidence = {run: self._evidence(doc, run) for run in runs}
        known = {word for run in runs if evidence[run] >= ENOUGH for word in self._telling(run)}
        return [
            (run.start, run.end, min(1.0, max(evidence[run], ENOUGH) / CERTAIN))
            for run in runs
            if evidence[run] >= ENOUGH or known.issuperset(run.words)
        ]

    def _telling(self, run: Run) -> Iterator[str]:
        return (word for word in run.words if len(word) > 1 and word.lower() not in self._gazetteer.dictionary)

    def _run(self, doc: Doc, start: int, end: int) -> Run | None:
        """Without the words at its head that begin a sentence, greet, or say what somebody is."""
        words = [(start + match.start(), start + match.end()) for match in _NAME_WORD.finditer(doc.text[start:end])]
        common = [self._is_common(doc, *word) for word in words]
        while words and not self._may_open_a_name(doc, *words[0], is_last=len(words) == 1):
            del words[0], common[0]
        if not words:
            return None
        texts = tuple(doc.text[slice(*word)] for word in words)
        return Run(words[0][0], words[-1][1], texts, tuple(common))

    def _may_open_a_name(self, doc: Doc, start: int, end: int, *, is_last: bool) -> bool:
        word = doc.text[start:end].lower()
        if word in self._gazetteer.first_names and word not in self._gazetteer.stop_words:
            return True
        if len(word) == 1:
            return not is_last
        if word in cues.LEADING:
            return False
        span = doc.char_span(start, end, alignment_mode="expand")
        return is_last or not self._is_common(doc, start, end) or (span is not None and span.root.pos_ == "PROPN")

    def _is_common(self, doc: Doc, start: int, end: int) -> bool:
        word = doc.text[start:end].lower()
        names = self._gazetteer
        if word in names.first_names:
            return word in names.stop_words
        if word in names.dictionary or word in names.last_names:
            return word in names.dictionary
        span = doc.char_span(start, end, alignment_mode="expand")
        base = span.root.lemma_.lower() if span else word
        return base in names.dictionary or word.removesuffix("s") in names.dictionary

    # --- evidence

    def _evidence(self, doc: Doc, run: Run) -> float:
        return self._of_words(run) + _of_model(doc, run) + _of_surroundings(doc.text, run)

    def _of_words(self, run: Run) -> float:
        names, words = self._gazetteer, [word.lower() for word in run.words]
        evidence = 0.0
        if words[0] in names.first_names:
            evidence += 1 if words[0] in names.dictionary else 2
        if any(word in names.last_names for word in words[1:]):
            evidence += 1
        if len(words) == 1 and words[0] in names.first_names and words[0] in names.dictionary - names.things:
            evidence -= 1
        if len(words) == 1 and words[0] in names.last_names and words[0] not in names.dictionary:
            evidence += 0.5
        if all(run.common):
            evidence -= 2
        elif not any(run.common):
            evidence += 0.5
        if not cues.NOT_A_PERSON.isdisjoint(words) or len(words) > _LONGEST_NAME:
            evidence -= 3
        if any(_ACRONYM.fullmatch(word) for word in run.words):
            evidence -= 1.5
        return evidence


def _of_model(doc: Doc, run: Run) -> float:
    span = doc.char_span(run.start, run.end, alignment_mode="expand")
    labels = {token.ent_type_ for token in span or ()}
    if labels & _PERSON_LABELS:
        return 2.0
    if labels & _CALENDAR_LABELS:
        return -1.5
    return -0.5 if labels - {""} else 0.0


def _of_surroundings(text: str, run: Run) -> float:
    left, right = text[max(0, run.start - _CONTEXT) : run.start], text[run.end : run.end + _CONTEXT]
    evidence = sum(weight for pattern, weight in cues.LEFT if pattern.search(left))
    evidence += sum(weight for pattern, weight in cues.RIGHT if pattern.match(right))
    if not any(run.common) and not left.rpartition("\n")[2].strip(" >*-"):
        evidence += sum(weight for pattern, weight in cues.AT_LINE_START if pattern.match(right))
        evidence += _of_letterhead(text, run)
    return evidence + _of_pronoun(text[run.end : run.end + _PRONOUN_WITHIN])


def _of_letterhead(text: str, run: Run) -> float:
    """A line of two to four words that opens a block of lines, as in an address or a signature."""
    opens = not text[: run.start].strip(" >\n") or text[: run.start].rstrip(" >").endswith("\n\n")
    alone = text[run.end :].lstrip(" ").startswith("\n")
    return 2.0 if opens and alone and len(run.words) in _LETTERHEAD_WORDS else 0.0


def _of_pronoun(after: str) -> float:
    """ "… is reliable. You can depend on her": nobody else stands between."""
    match = cues.PRONOUN.search(after)
    between: Sequence[str] = _RUN.findall(after[: match.start()]) if match else ()
    return 1.5 if match and all(word.lower() in cues.NOBODY for word in between) else 0.0
