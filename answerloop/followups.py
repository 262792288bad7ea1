"""Which questions cannot be understood without the one before."""

from __future__ import annotations

import re

from answerloop.text import content_words, words

LEANS_WITH_WORDS = 1  # so few content words do not make a question of their own
_POINTING = frozenset(
    "it its they them their this that these those he him his she her one ones instead otherwise afterwards".split()  # noqa: SIM905
)
_OPENINGS = (("and",), ("but",), ("also",), ("or",), ("so",), ("then",), ("what", "about"), ("how", "about"))
_POINTS_AT_NOTHING = re.compile(
    r"\b(?:(?:is|was|would|will) it (?:possible|allowed|necessary|okay|ok|required|mandatory)"
    r"|(?:do|does|did|will|would|can) it (?:take|cost)"
    r"|(?:this|that) (?:year|month|week|quarter)"
    r"|one (?:hour|day|week|month|year))\b",
    re.IGNORECASE,
)


def leans(question: str) -> bool:
    """Whether the question says too little to be understood without the one before it."""
    said = words(_POINTS_AT_NOTHING.sub(" ", question))
    return (
        any(word in _POINTING for word in said)
        or any(tuple(said[: len(opening)]) == opening for opening in _OPENINGS)
        or len(set(content_words(question))) <= LEANS_WITH_WORDS
    )
