"""Is the question in English? The assistant reads and answers English only, and says so."""

from __future__ import annotations

from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from answerloop.text import STOP_WORDS, words

_NAMES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}
FEWEST_WORDS = 4
"""Below that, words in plain letters are too few to tell a language from."""
_CERTAIN = 0.95
_ENGLISH_ENOUGH = 0.25
"""Share of English function words from which a question counts as English, whatever the identifier says."""


def other_than_english(text: str) -> str:
    """The name of the other language, or nothing when it is English or too short to tell."""
    tokens = words(text)
    if not tokens or sum(token in STOP_WORDS for token in tokens) / len(tokens) >= _ENGLISH_ENOUGH:
        return ""
    code, certainty = _identifier().classify(text)
    code = str(code)
    if code == "en" or certainty < _CERTAIN or (text.isascii() and len(tokens) < FEWEST_WORDS):
        return ""
    return _NAMES.get(code, code)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(_NAMES))
    return identifier
