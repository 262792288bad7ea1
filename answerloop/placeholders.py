"""What stands in a text where personal data stood, and the way back. Nothing here needs a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from answerloop.domain import Finding, PersonalDataType

_PLACEHOLDER = re.compile(r"<[A-Z_]+_\d+>")
_QUOTED = "QUOTED"
"""Kind of a placeholder for what a person wrote and only looks like one: it must come back as it was."""
_KINDS = "|".join([*PersonalDataType, _QUOTED])
_LIKE_ONE = re.compile(
    rf"[<\[({{]\s?(?P<kind>{_KINDS})[ _-](?P<number>\d{{1,4}})\s?[>\])}}]"
    rf"|(?<!\w)(?P<bare_kind>{_KINDS})_(?P<bare_number>\d{{1,4}})(?!\w)",
    re.IGNORECASE,
)
"""As models repeat them: in another case, with other brackets or none."""
_MAY_GROW_INTO_ONE = re.compile(r"(?:[<\[({]\s?)?\w*[ -]?\d{0,4}\s?$")
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


def repeated_placeholders(text: str) -> frozenset[str]:
    """Whatever of a model's text looks like a placeholder, in our spelling."""
    return frozenset(map(_our_spelling, _LIKE_ONE.finditer(text)))


def restore_repeated(pieces: Iterable[str], known: Placeholders) -> Iterator[str]:
    """What a model says as a stream, with everything put back that it repeats of what it was given, however it spells
    it and wherever the pieces were cut. A placeholder that it has made up stays one, in our spelling."""
    waiting = ""
    for piece in pieces:
        waiting += piece
        may_grow = _MAY_GROW_INTO_ONE.search(waiting)
        safe = may_grow.start() if may_grow else len(waiting)
        if safe:
            yield _restored(waiting[:safe], known)
            waiting = waiting[safe:]
    if waiting:
        yield _restored(waiting, known)


def _restored(text: str, known: Placeholders) -> str:
    def value(match: re.Match[str]) -> str:
        name = _our_spelling(match)
        return known.values.get(name, name)

    return _LIKE_ONE.sub(value, text)


def _our_spelling(match: re.Match[str]) -> str:
    kind, number = match["kind"] or match["bare_kind"], match["number"] or match["bare_number"]
    return f"<{kind.upper()}_{int(number)}>"


def replace_known(text: str, known: Placeholders) -> str:
    """The text with the placeholder of every known value that still stands in it, the longest first: what was found in
    one place may have been overlooked in another. A single word goes in its own spelling alone, since "Will" is a name
    and "will" is none."""
    for name, pattern in _patterns(known):
        text = pattern.sub(name, text)
    return text


def across_lines(text: str, known: Placeholders) -> Iterator[tuple[str, bool]]:
    """The text in pieces: known values that are broken over lines as their placeholders (True), and what is between."""
    spans: list[tuple[int, int, str]] = []
    for name, pattern in _patterns(known):
        for match in pattern.finditer(text):
            start, end = match.span()
            if "\n" in match.group() and all(end <= other or start >= after for other, after, _ in spans):
                spans.append((start, end, name))
    done = 0
    for start, end, name in sorted(spans):
        yield text[done:start], False
        yield name, True
        done = end
    yield text[done:], False


def _patterns(known: Placeholders) -> Iterator[tuple[str, re.Pattern[str]]]:
    """How each known value may be spelt, the longest first: spaces may be line breaks, and one may follow a hyphen."""
    for name, value in sorted(known.values.items(), key=lambda item: -len(item[1])):
        words = r"\s+".join(re.escape(word).replace(r"\-", r"\-\s*") for word in value.split())
        if words and not name.startswith(f"<{_QUOTED}_"):
            yield name, re.compile(rf"(?<!\w){words}(?!\w)", 0 if value.isalpha() else re.IGNORECASE)


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
