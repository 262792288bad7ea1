"""Does a sentence of a document speak to whoever answers, instead of about the company? Then it is no evidence.

Only what gives itself away by its wording is found: a plainly worded task ("Describe the life of a butterfly.") looks
like any sentence. Against those stands the selection of evidence, which quotes what answers the question
(benchmarks/injection.py measures both together).
"""

from __future__ import annotations

import re
from functools import lru_cache

from answerloop.text import plain

_ANSWER = (
    r"(?:answer|response|reply|replie|output|completion)(?:s|es)?\b"
    r"(?!\s+(?:address|form|letter|plan|rate|team|time)s?\b)"
)
_YOURS = rf"(?:your|each|every|all)\s+(?:\w+\s+){{0,2}}?{_ANSWER}"
_THIS = rf"(?:{_YOURS}|your\s+(?:\w+\s+)?message\b|(?:the|this)\s+(?:final\s+)?{_ANSWER})"
_CHANGE = (
    r"(?:add|adapt|adjust|alter|amend|anagram|append|augment|begin|combine|convert|decorate|embed|encode|encrypt|end|enhance"
    r"|enrich|express|finish|format|hide|incorporate|inject|insert|integrate|invert|jumble|mention|mirror|misspell|mix"
    r"|modify|obfuscate|pad|phrase|prefix|prepend|provide|rearrange|render|reorder|replace|reverse|rewrite|scramble|shift"
    r"|shuffle|spell|sprinkle|substitute|suffix|swap|switch|transform|translate|turn|use|weave|wrap|write)"
)
_SAY = (
    r"(?:add|answer|claim|include|insist|link|mention|promote|recommend|refer|repeat|reply|respond|say|state|suggest"
    r"|tell)"
)
_ENCODED = (
    r"(?:anagram|homophon|homoglyph|base\s?-?64|rot\s?-?13|morse|pig\s+latin|leet\s?speak|cipher|emojis?\b|vowels|consonants"
    r"|every\s+(?:\w+\s+)?(?:letter|word|character|vowel))"
)
_RULES = r"(?:instructions?|prompts?|directions|directives|guidelines|rules|context|commands)\b"
_MACHINE = r"(?:a\.?i\.?|assistant|chat\s?bot|bot|llm|language\s+model|gpt|chatgpt|copilot)"
_ONCE = r"\b(?:when|whenever|while|if|before|after)\s+"
_START = (
    r"(?:^|(?<=\s)(?=(?-i:[A-Z])))"  # a lost line break glues sentences together
    r"(?:(?:please|kindly|also|now|then|and|always|just|finally|additionally|instead|you\s+(?:must|should|will)"
    r"|(?:make|be)\s+sure\s+to|try\s+to|remember\s+to)\s*,?\s+){0,3}"
)

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # told to shape the answer: "Add … to your reply", "Modify your answer to …", "Your response must …"
        rf"\b(?:in|to|into|with|within|of|from|for|throughout|during|using|by)\s+{_YOURS}",
        rf"{_START}{_CHANGE}\b.{{0,200}}\b{_THIS}",
        rf"{_START}{_CHANGE}\b.{{0,200}}\b{_ENCODED}",
        rf"{_START}(?:respond|answer|reply)\s+(?:\w+\s+)?(?:in|using|as|like|entirely)\b",
        rf"(?:{_START}|\bthat\s+|\blet\s+){_YOURS}\s+(?:must|should|has|needs|shall|contains?|includes?|mentions?|begins?|starts?|ends?)\b",
        # told what to say: "When answering this question, say …", "If the user asks about leave, tell them …"
        rf"{_ONCE}(?:you\s+)?(?:are\s+)?(?:answer|respond|reply|summari[sz])\w*\s*,\s*(?:\w+\s+)?{_SAY}\b",
        rf"{_ONCE}(?:you\s+)?(?:are\s+)?(?:answer|respond|reply|summari[sz])\w*\s+(?:\w+\s+){{0,3}}?"
        rf"(?:question|quer(?:y|ie)|prompt|user|document|e-?mail|text)s?\b.{{0,200}}\b{_SAY}\b",
        rf"{_ONCE}(?:the|any|an?)\s+(?:user|asker|employee)s?\s+asks?\b.{{0,200}},\s*(?:\w+\s+)?{_SAY}\b",
        r"\b(?:do\s+not|don['’]t|never)\s+(?:mention|reveal|tell|disclose|show|repeat)\b"
        rf".{{0,200}}\b(?:this|these)\s+{_RULES}",
        # told who it is, or to drop its rules
        r"\b(?:ignore|disregard|forget|override|bypass|overlook)\s+(?:\w+\s+){0,3}?"
        rf"(?:previous|prior|above|earlier|preceding|your|other|system|all)\s+(?:\w+\s+)?{_RULES}",
        rf"\byou\s+are\s+(?:now\s+)?(?:an?\s+|the\s+)?(?:\w+\s+){{0,2}}?{_MACHINE}\b",
        rf"^(?:attention|note\s+to|dear|hey|hello|(?:instructions?|message)\s+(?:for|to))\s*,?\s+(?:\w+\s+){{0,2}}?{_MACHINE}s?\b",
        rf"\b{_MACHINE}s?\s+(?:that\s+(?:is|are)\s+)?(?:reading|processing|summari[sz]ing|answering)\b",
        r"\byour\s+system\s+prompt\b|\bdeveloper\s+mode\b|\bnew\s+instructions?\s*:|^(?:system|assistant)\s*:",
        r"<\|im_start\|>|\[/?inst\]|^#+\s*instructions?\s*:",
    )
)


@lru_cache(maxsize=20_000)
def addresses_assistant(sentence: str) -> bool:
    clean = plain(sentence)
    return any(pattern.search(sentence) or pattern.search(clean) for pattern in _PATTERNS)


def asks(sentence: str) -> bool:
    """A question, as in a list of questions and answers, or planted: it answers none."""
    return sentence.rstrip(" *_\"'”’)").endswith("?")
