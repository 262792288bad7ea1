"""Wordings that leave no doubt what a question is; everything else is judged by its nearest examples.

The text is lower case, with plain apostrophes and single spaces. A question *about* such a subject ("How do I report
harassment?") must pass: patterns look for somebody's own trouble, or for a wish that must not be granted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from answerloop.domain import Concern

_SELF = r"(?:myself|himself|herself|themsel(?:f|ves))"
_SOMEBODY = r"(?:boss|manager|supervisor|lead|colleague|co-?worker|team-?mate|client|some(?:body|one)|s?he|they)s?"
_TORMENT = (
    r"(?:touch|grop|harass|bull(?:y|ie)|stalk|threaten|insult|humiliat|mock|intimidat|blackmail|assault|molest)\w*"
)
_TORMENTED = r"(?:bullied|harassed|stalked|threatened|groped|assaulted)"
_RULES = r"(?:instructions?|rules|guidelines|prompts?|restrictions|filters?|safety \w+)"
_BYE = r"(?:bye|goodbye|see you|lol|haha)"
_THANKS = r"(?:thanks?(?: you)?|thx|cheers|great|perfect|nice|cool|awesome|well done|ok(?:ay)?)"

_TABLE: Mapping[Concern, tuple[str, ...]] = {
    Concern.SELF_HARM: (
        rf"\b(?:kill|hurt|harm|cut|hang|shoot|drown)(?:ting|ing)? {_SELF}\b",
        r"\b(?:suicidal|commit(?:ting)? suicide|thinking (?:about|of) suicide)\b",
        r"\b(?:end|ending|take|taking) (?:my|his|her|their)(?: own)? li(?:fe|ves)\b(?! insurance)",
        r"\bend(?:ing)? it all\b|(?:n't|\bnot|\bdont|\bnever) (?:really )?wants? to (?:live|be alive|exist|wake up)\b",
        r"\b(?:wish i (?:was|were)|rather be|better off) dead\b|\bno (?:reason|point) (?:to|in) liv(?:e|ing)\b",
        r"\bwants? to die\b",
    ),
    Concern.HARASSMENT: (
        rf"\b(?:i'm|i am|i was|i've been|i have been|i feel) (?:being )?(?:\w+ )?{_TORMENTED}\b",
        rf"\b{_SOMEBODY} (?:\w+ ){{0,3}}?{_TORMENT} (?:me|us)\b",
    ),
    Concern.LEGAL: (
        r"\b(?:can|could|should|may) (?:i|we) sue\b",
        r"^(?!.*\b(?:who|where)\b).*\bi need legal advice\b",
    ),
    Concern.PRIVATE: (
        r"^(?:give|tell|show|send) me (?:the|my|\w+'s|all) (?:\w+ )?"
        r"(?:passwords?|api keys?|credentials|private keys?)\b",
    ),
    Concern.INSTRUCTIONS: (
        r"\b(?:ignore|disregard|forget|override|bypass) (?:all |any |the )*"
        rf"(?:your|previous|prior|above|earlier) (?:\w+ )?{_RULES}\b",
        r"\b(?:your|the) (?:hidden |system )(?:prompt|instructions)\b|\bjailbreak\b",
        r"^(?:you are now|from now on,? you|pretend you|system ?:)",
    ),
    Concern.SMALL_TALK: (
        r"^(?:hi+|hello|hey+|good (?:morning|afternoon|evening|day|night)|greetings)(?: there| all| team)?\W*$",
        rf"^{_THANKS}(?:,? (?:so much|very much|a lot|then|that helped|{_BYE}))*\W*$",
        rf"^{_BYE}(?: later| soon| tomorrow)?\W*$",
        r"^(?:hi,? |hello,? )?(?:how are you(?: doing| today)*|who are you|what are you|what can you do)\W*$",
    ),
}
_PATTERNS: Mapping[Concern, re.Pattern[str]] = {
    concern: re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) for concern, patterns in _TABLE.items()
}
_SUBJECTS: Mapping[Concern, re.Pattern[str]] = {
    Concern.SELF_HARM: re.compile(r"\bsuicid|\bself[- ]?harm|\bmental health\b|\bburn-?out\b|\bcounsell"),
    Concern.HARASSMENT: re.compile(r"\bharass|\bbull(?:y|ied)|\bdiscriminat|\bmobbing\b|\bstalk"),
}


def concern_of(question: str) -> Concern | None:
    text = _normalised(question)
    return next((concern for concern, pattern in _PATTERNS.items() if pattern.search(text)), None)


def subject_of(question: str) -> Concern | None:
    """A subject that the documents answer, and where somebody who asks may need a person as well."""
    text = _normalised(question)
    return next((concern for concern, pattern in _SUBJECTS.items() if pattern.search(text)), None)


def _normalised(question: str) -> str:
    text = unicodedata.normalize("NFKC", question).casefold().replace("’", "'")
    return " ".join("".join(letter for letter in text if unicodedata.category(letter) != "Cf").split())
