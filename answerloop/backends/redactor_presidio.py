"""Presidio on a spaCy model, with our own recognisers: exact ones for what has a form, and one for people's names.

Presidio's predefined recognisers are left out: those for e-mail addresses and URLs fetch a list from the network.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

from answerloop.backends.redaction.casing import recased
from answerloop.backends.redaction.gazetteer import Gazetteer
from answerloop.backends.redaction.models import model_of
from answerloop.backends.redaction.persons import PersonFinder
from answerloop.domain import Finding, PersonalDataType
from answerloop.exact_recognisers import ExactRecognisers, without_overlaps
from answerloop.placeholders import Masked, Placeholders, replace

NOT_PERSONAL = (
    *("CARDINAL", "EVENT", "FAC", "LANGUAGE", "LAW", "MISC", "MONEY", "NRP"),
    *("ORDINAL", "PERCENT", "PRODUCT", "QUANTITY", "WORK_OF_ART"),
)
"""What the models also see, as they or Presidio call it."""
LEFT_TO_THE_MODEL = (PersonalDataType.LOCATION, PersonalDataType.DATE_TIME, PersonalDataType.ORGANIZATION)


class PresidioRedactor:
    """Masks the given types. Loading takes seconds, a question some milliseconds."""

    def __init__(self, types: Collection[PersonalDataType], language: str, regions: Collection[str]) -> None:
        """Raises ConfigurationError for an unknown language or region, and when the language's model is missing."""
        self._types = [type_.value for type_ in PersonalDataType if type_ in types]
        self._language = language
        self._nlp = SpacyNlpEngine(
            models=[{"lang_code": language, "model_name": model_of(language)}],
            ner_model_configuration=NerModelConfiguration(labels_to_ignore=NOT_PERSONAL),
        )
        self._nlp.load()
        self._gazetteer = Gazetteer.load(self._nlp.get_nlp(language))
        recognisers: list[EntityRecognizer] = [
            _Exact(ExactRecognisers(types, regions), language),
            _Persons(PersonFinder(self._gazetteer), language),
            SpacyRecognizer(supported_language=language, supported_entities=list(LEFT_TO_THE_MODEL)),
        ]
        registry = RecognizerRegistry(recognizers=recognisers, supported_languages=[language])
        self._analyzer = AnalyzerEngine(registry, self._nlp, supported_languages=[language])
        self._one_at_a_time = threading.Lock()  # spaCy promises nothing about a vocabulary that two threads add to

    def mask(self, text: str, known: Placeholders) -> Masked:
        return replace(text, self.find(text), known)

    def find(self, text: str) -> list[Finding]:
        """In order, none overlapping another."""
        if not self._types or not text.strip():
            return []
        with self._one_at_a_time:
            read = self._nlp.process_text(recased(text, self._gazetteer), self._language)
            results = self._analyzer.analyze(text, self._language, entities=self._types, nlp_artifacts=read)
        return without_overlaps(
            Finding(PersonalDataType(result.entity_type), result.start, result.end) for result in results
        )


class _Exact(EntityRecognizer):
    """Our exact recognisers as Presidio wants them."""

    def __init__(self, recognisers: ExactRecognisers, language: str) -> None:
        self._recognisers = recognisers
        super().__init__([type_.value for type_ in PersonalDataType], "Exact", language)

    def load(self) -> None:
        """Nothing: it is given what it needs."""

    def analyze(self, text: str, entities: Iterable[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        return [
            RecognizerResult(finding.type.value, finding.start, finding.end, EntityRecognizer.MAX_SCORE)
            for finding in self._recognisers.find(text)
        ]


class _Persons(EntityRecognizer):
    """Our name finder as Presidio wants it."""

    def __init__(self, finder: PersonFinder, language: str) -> None:
        self._finder = finder
        super().__init__([PersonalDataType.PERSON.value], "Persons", language)

    def load(self) -> None:
        """Nothing: it is given what it needs."""

    def analyze(self, text: str, entities: Iterable[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        return [
            RecognizerResult(PersonalDataType.PERSON.value, start, end, score)
            for start, end, score in self._finder.find(nlp_artifacts.tokens)
        ]
