"""Which words are names and which are words: the names of eighty countries, and the model's own dictionary."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import faker.providers.person as countries
from spacy.language import Language

FIRST_NAMES = ("first_names", "first_names_female", "first_names_male")
LAST_NAMES = ("last_names", "last_names_female", "last_names_male")
SHORTEST_NAME = 3
"""Letters. The lists hold single letters and particles ("de"), too."""


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All in lower case. Some words are on several lists: "grace", "young", "mark"."""

    first_names: frozenset[str]
    last_names: frozenset[str]
    dictionary: frozenset[str]
    things: frozenset[str]
    """Words of the dictionary that are nouns and nothing else; among them are common names, such as "mary"."""
    stop_words: frozenset[str]

    @classmethod
    def load(cls, model: Language) -> Gazetteer:
        """The name lists that Faker ships, and the word list of the model's lemmatizer where it has one."""
        nouns, others = _dictionary(model)
        return cls(
            first_names=frozenset(_names(FIRST_NAMES)),
            last_names=frozenset(_names(LAST_NAMES)),
            dictionary=nouns | others | model.Defaults.stop_words,
            things=nouns - others - model.Defaults.stop_words,
            stop_words=frozenset(model.Defaults.stop_words),
        )

    def may_be_a_name(self, word: str) -> bool:
        """Told without capitals: an unknown word, or a first name that means nothing else but a thing."""
        return word not in self.dictionary or (word in self.first_names and word in self.things)


def _names(kinds: Iterable[str]) -> Iterator[str]:
    for country in pkgutil.iter_modules(countries.__path__):
        provider = importlib.import_module(f"{countries.__name__}.{country.name}").Provider
        for kind in kinds:
            listed = getattr(provider, kind, ())
            if isinstance(listed, Iterable):
                words = (word for name in listed for word in str(name).lower().split())
                yield from (word for word in words if len(word) >= SHORTEST_NAME)


def _dictionary(model: Language) -> tuple[frozenset[str], frozenset[str]]:
    """Nouns, and all other words."""
    if not model.has_pipe("lemmatizer"):
        return frozenset(), frozenset()
    lookups = model.get_pipe("lemmatizer").lookups  # type: ignore[attr-defined]
    if not lookups.has_table("lemma_index"):
        return frozenset(), frozenset()
    words = lookups.get_table("lemma_index")
    return frozenset(words.get("noun", ())), frozenset().union(
        *(words.get(kind, ()) for kind in ("verb", "adj", "adv"))
    )
