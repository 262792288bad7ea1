"""What stands in a text where personal data stood, and the way back. Nothing here needs a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from answerloop.domain import Finding, PersonalDataType

_PLACEHOLDER = re.compile(r"<[A-Z_]+_\d+>")
_QUOTED = "QUOTED"
"""Kind of a placeholder for what a person wrote and only looks like one: it must come back as it was."""
_WRITTEN_IN_GROUPS = frozenset(
    {
        PersonalDataType.PHONE_NUMBER,
        PersonalDataType.CREDIT_CARD,
        PersonalDataType.IBAN_CODE,
        PersonalDataType.IDENTITY_NUMBER,
    }
)


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Placeholder → what it stands for, in one conversation. Never changes: masking returns a larger one."""

    values: Mapping[str, str] = field(default_factory=dict)

    def restore(self, text: str) -> str:
        """Put everything back: only for the person who wrote it."""
        return _PLACEHOLDER.sub(lambda match: self.values.get(match.group(), match.group()), text)

    def restore_published(self, text: str, documents: Iterable[str]) -> str:
        """Put back what one of these documents shows its readers: that is the document's, not the asker's."""
        published = [_one_spelling(document) for document in documents]

        def shown(match: re.Match[str]) -> str:
            value = self.values.get(match.group(), match.group())
            as_word = re.compile(rf"(?<!\w){re.escape(_one_spelling(value))}(?!\w)")
            return value if any(as_word.search(document) for document in published) else match.group()

        return _PLACEHOLDER.sub(shown, text)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without personal data, and what its placeholders, and the earlier ones, stand for."""

    text: str
    placeholders: Placeholders


def holds_placeholder(text: str) -> bool:
    return _PLACEHOLDER.search(text) is not None


def replace(text: str, findings: Iterable[Finding], known: Placeholders) -> Masked:
    """The text with a placeholder for each finding: the one that stands for the same value already, or the next."""
    values = dict(known.values)
    spans = [(finding.start, finding.end, finding.type.value) for finding in findings]
    spans += [(*match.span(), _QUOTED) for match in _PLACEHOLDER.finditer(text)]
    pieces: list[str] = []
    done = 0
    for start, end, kind in sorted(spans):
        if start >= done:
            pieces += text[done:start], _placeholder(kind, text[start:end], values)
            done = end
    return Masked("".join([*pieces, text[done:]]), Placeholders(values))


def _placeholder(kind: str, value: str, values: dict[str, str]) -> str:
    wanted = _identity(kind, value)
    known = {name: _identity(kind, other) for name, other in values.items() if name.startswith(f"<{kind}_")}
    same = [name for name, identity in known.items() if identity == wanted]
    if not same and kind == PersonalDataType.PERSON:
        same = [name for name, identity in known.items() if wanted in identity.split()]
    if len(same) == 1:
        return same[0]
    name = f"<{kind}_{len(known) + 1}>"
    values[name] = value
    return name


def _identity(kind: str, value: str) -> str:
    """What two spellings of the same thing have in common."""
    return re.sub(r"[\W_]", "", value).casefold() if kind in _WRITTEN_IN_GROUPS else _one_spelling(value)


def _one_spelling(text: str) -> str:
    return " ".join(text.split()).casefold()
