"""Whether a text may become an answer: grounded in its documents, short, and without anybody's personal data."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from answerloop.claims import mismatches, source_sentences
from answerloop.db.repositories.corrections import Case
from answerloop.domain import Grounding
from answerloop.placeholders import Placeholders, holds_placeholder
from answerloop.ports import GroundednessDetector, Redactor
from answerloop.text import content_words, numbers, plain
from review.approval import Rules
from review.candidates import Candidate

log = logging.getLogger(__name__)

MOST_CHARACTERS = 1500
"""An answer is read in a chat; whoever needs more to say needs a document."""
TOO_LONG = f"It has more than {MOST_CHARACTERS:,} characters: say it shorter."
SAYS_NOTHING = "It says nothing that a document could carry."
PLACEHOLDER = "It holds a placeholder for somebody's personal data, such as <PERSON_1>: say it without."
NO_DOCUMENT = (
    "None of the documents beside the answer carries it: choose those that do, or name the one that is missing."
)
GONE = "A document that it stands on is not there any more, or is replaced by a newer one."
NOT_CARRIED = (
    "Its documents do not carry “{sentence}”{because}. Say it in their words, or name the document that is missing."
)
_CITATION = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
DOUBTFUL = "its documents do not clearly carry “{sentence}”"
LEAST_SHARE = 0.5
_EXACT = ("number", "date", "unit", "name")
"""Mismatches that another sentence of the documents may resolve."""
_BARE = frozenset({"yes", "yeah", "ok", "okay"})


class Fitness:
    """Sentences are judged by the detector that judges what we say ourselves. People may say in their own words what it
    does not recognise: then a second person has to see it there too. What is nowhere in the documents does not pass.
    """

    def __init__(self, detector: GroundednessDetector, threshold: float, four_eyes: Iterable[str]) -> None:
        self._detector = detector
        self._threshold = threshold
        self._four_eyes = frozenset(four_eyes)

    def rules(self, case: Case) -> Rules:
        texts = {ground.document_id: ground.text for ground in case.grounds}

        @cache
        def carried(text: str, documents: tuple[str, ...]) -> Carried:
            return self._carried(text, [texts[each] for each in documents])

        def grounding(text: str) -> tuple[str, ...]:
            cited = _existing([source.document_id for source in case.sources if source.cited], texts)
            near = [(source.document_id,) for source in case.sources if source.document_id in texts]
            tried = [cited, *near] if cited else near
            clearly = [documents for documents in tried if carried(text, documents) == Carried()]
            perhaps = [documents for documents in tried if not carried(text, documents).missing]
            return next(iter([*clearly, *perhaps]), cited)

        def problem(candidate: Candidate) -> str:
            found = _unfit_for_anybody(candidate.text)
            if found or candidate.missing_document:
                return found
            if not candidate.documents:
                return NO_DOCUMENT
            if any(each not in texts for each in candidate.documents):
                return GONE
            return carried(candidate.text, candidate.documents).missing

        def doubt(candidate: Candidate) -> str:
            return carried(candidate.text, candidate.documents).doubtful if candidate.documents else ""

        return Rules(self._four_eyes, problem, doubt, grounding)

    def _carried(self, text: str, passages: Sequence[str]) -> Carried:
        """Raises GroundednessUnavailable."""
        sentences = _sentences(text)
        judged = self._detector.score(sentences, passages) if sentences else []
        doubtful = ""
        for sentence, grounding in zip(sentences, judged, strict=True):
            if grounding.score >= self._threshold and not grounding.mismatches:
                continue
            why = _nowhere(sentence, grounding, passages)
            if why is not None:
                because = f" ({'; '.join(why)})" if why else ""
                return Carried(missing=NOT_CARRIED.format(sentence=sentence, because=because))
            doubtful = doubtful or DOUBTFUL.format(sentence=sentence)
        return Carried(doubtful=doubtful)


@dataclass(frozen=True, slots=True)
class Carried:
    """What stands nowhere in the documents, or else what they do not say clearly; neither where they do."""

    missing: str = ""
    doubtful: str = ""


def _nowhere(sentence: str, grounding: Grounding, passages: Sequence[str]) -> list[str] | None:
    """Why the documents cannot carry the sentence, by rules that other words do not break: they lack a number or name
    of it altogether, or say the opposite, or have not even half of its words. None where they may carry it."""
    against = [each for each in grounding.mismatches if not each.startswith(_EXACT)]
    lacking = [each for each in mismatches(sentence, passages) if each.startswith(_EXACT)]
    said, there = set(content_words(sentence)), {word for passage in passages for word in content_words(passage)}
    if against or lacking:
        return [*against, *lacking]
    return [] if len(said & there) < LEAST_SHARE * len(said) else None


def _existing(document_ids: Iterable[str], there: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in document_ids if each in there))


def _unfit_for_anybody(text: str) -> str:
    if holds_placeholder(text):
        return PLACEHOLDER
    if len(text) > MOST_CHARACTERS:
        return TOO_LONG
    return "" if _sentences(text) else SAYS_NOTHING


def _sentences(text: str) -> list[str]:
    """As a document would say them. "Yes" alone says nothing."""
    lines = "\n".join(plain(_CITATION.sub("", line)) for line in text.splitlines())
    found = source_sentences([lines])
    return [sentence for sentence in found if set(content_words(sentence)) - _BARE or numbers(sentence)]


@dataclass(frozen=True, slots=True)
class Masked:
    """`question` is None where it could not be masked; `suggestions` by person."""

    question: str | None
    suggestions: Mapping[str, str]


def masked(case: Case, redactor: Redactor) -> Masked:
    """With the placeholders of the question: the same name is the same one everywhere. What cannot be masked is
    left out."""
    cited = {source.document_id for source in case.sources if source.cited}
    published = [ground.text for ground in case.grounds if ground.document_id in cited]
    suggestions: dict[str, str] = {}
    question = case.question
    try:
        masked = redactor.mask(case.asked, Placeholders())
        question = masked.text if question is None else question
        for each in case.suggestions:
            better = redactor.mask(each.text, masked.placeholders)
            suggestions[each.person] = better.placeholders.restore_published(better.text, published)
    except Exception as error:  # noqa: BLE001 - whatever it is; its message may quote the text
        log.warning("masking failed", extra={"answer_id": case.answer_id, "error": type(error).__name__})
    return Masked(question, suggestions)
