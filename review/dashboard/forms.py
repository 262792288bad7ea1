"""What an HTML form has sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import parse_qs

from fastapi import Depends, Request

from answerloop.errors import UserFault

MOST_FIELDS = 200
LONGEST = 8000
W = TypeVar("W", bound=StrEnum)


class InvalidForm(UserFault):
    """A field is missing, or holds what it cannot hold."""


@dataclass(frozen=True, slots=True)
class Form:
    fields: Mapping[str, list[str]]

    def text(self, name: str, *, required: str = "") -> str:
        """`required` is what to tell somebody who left it out."""
        value = next(iter(self.fields.get(name, [])), "").replace("\r\n", "\n").strip()
        if required and not value:
            raise InvalidForm(required)
        if len(value) > LONGEST:
            raise InvalidForm(f"That is too long: at most {LONGEST:,} characters.")
        return value

    def all(self, name: str) -> list[str]:
        return [value for value in map(str.strip, self.fields.get(name, [])) if value]

    def one_of(self, words: type[W], name: str, required: str) -> W:
        try:
            return words(self.text(name, required=required))
        except ValueError:
            raise InvalidForm(required) from None

    def some_of(self, words: type[W], name: str) -> list[W]:
        try:
            return [words(value) for value in self.all(name)]
        except ValueError:
            raise InvalidForm("We do not know one of these words.") from None

    def number(self, name: str, low: float, high: float, problem: str) -> float | None:
        """None when it is empty."""
        text = self.text(name).replace(",", ".")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            raise InvalidForm(problem) from None
        if not low <= value <= high:
            raise InvalidForm(problem)
        return value


async def _form(request: Request) -> Form:
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidForm("We do not understand this form.") from None
    return Form(fields)


SentForm = Annotated[Form, Depends(_form)]
