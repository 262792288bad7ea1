"""Capitals for texts that have none, or nothing else: without them neither the model nor the rules see a name."""

from __future__ import annotations

import regex

from answerloop.backends.redaction import cues
from answerloop.backends.redaction.gazetteer import Gazetteer

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_AFTER_TITLE = regex.compile(rf"(?i)\b(?:{cues.TITLES})\.?[ ]$")


def recased(text: str, names: Gazetteer) -> str:
    """The text, or when it is all in one case the same with a capital on every word that may be a name.

    Character offsets stay. An ordinary word gets none, unless a title stands before it: "will" stays, "mr. will" does
    not.
    """
    letters = [character for character in text if character.isalpha()]
    if any(letter.islower() for letter in letters) and any(letter.isupper() for letter in letters):
        return text

    def recase(match: regex.Match[str]) -> str:
        word = match.group()
        lower, upper = word.lower(), word.upper()
        if len(lower) != len(word) or len(upper) != len(word):
            return word
        is_initial = len(word) == 1 and text.startswith(". ", match.end())
        may_be_a_name = is_initial or names.may_be_a_name(lower) or _AFTER_TITLE.search(text, 0, match.start())
        return upper[0] + lower[1:] if may_be_a_name else lower

    return _WORD.sub(recase, text)
