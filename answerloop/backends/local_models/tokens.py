"""Messages to tokens and tokens to text, for any model family."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from answerloop.domain import Message
from answerloop.errors import ConfigurationError

Tokenizer = Any
"""A `PreTrainedTokenizerBase`; its methods are too loosely typed upstream to help."""


class PromptEncoder:
    """Renders messages as this model was trained to see them. Safe to use from many threads."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._has_template = bool(getattr(tokenizer, "chat_template", None))
        self._knows_system = self._has_template and self._shows_system_role()
        added = getattr(tokenizer, "added_tokens_decoder", {}).values()
        control = {token.content for token in added if token.special} | set(tokenizer.all_special_tokens)
        self._control = re.compile("|".join(re.escape(token) for token in sorted(control, key=len, reverse=True)))

    def encode(self, messages: Sequence[Message]) -> list[int]:
        if self._has_template:  # the template writes the special tokens itself
            return list(self._tokenizer.encode(self.render(messages), add_special_tokens=False))
        return list(self._tokenizer.encode(self.render(messages)))

    def encode_reply(self, text: str) -> list[int]:
        """What a model has to say so that `text` is read, without the token that ends it."""
        return list(self._tokenizer.encode(self._disarm(text), add_special_tokens=False))

    def encode_dialogue(self, messages: Sequence[Message]) -> list[int]:
        """With the last reply in it, as the template closes it; empty without a template."""
        if not self._has_template:
            return []
        rows = [{"role": message.role, "content": message.content} for message in messages]
        text = self._tokenizer.apply_chat_template(rows, tokenize=False)
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def render(self, messages: Sequence[Message]) -> str:
        rows = [{"role": message.role, "content": self._disarm(message.content)} for message in messages]
        if not self._has_template:
            return "\n\n".join(row["content"] for row in rows) + "\n\n"
        return self._apply(rows if self._knows_system else _system_into_user(rows))

    def _apply(self, rows: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=True))

    def _disarm(self, content: str) -> str:
        """A document that spells out a control token must not end the user's turn."""
        if not self._control.pattern:
            return content
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", content)

    def _shows_system_role(self) -> bool:
        """Some templates raise on a system message, and some leave it out."""
        probe = [{"role": "system", "content": "PROBE"}, {"role": "user", "content": "hello"}]
        try:
            return "PROBE" in self._apply(probe)
        except (TemplateError, ValueError):
            return False


class PieceDecoder:
    """Text of a growing list of tokens, piece by piece, never with half a character.

    Decoding restarts a few tokens back, since a tokenizer may put a space or join bytes only in context.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._context = 0
        self._said = 0

    def add(self, token: int) -> str:
        """The text that is certain now: empty while a character is incomplete."""
        self._tokens.append(token)
        text = self._decode(self._context, None)
        if text.endswith("\N{REPLACEMENT CHARACTER}"):
            return ""
        return self._say(text)

    def finish(self) -> str:
        """What was held back, without the half character at its end."""
        return self._say(self._decode(self._context, None).rstrip("\N{REPLACEMENT CHARACTER}"))

    def _say(self, text: str) -> str:
        piece = text[len(self._decode(self._context, self._said)) :]
        self._context, self._said = self._said, len(self._tokens)
        return piece

    def _decode(self, start: int, end: int | None) -> str:
        tokens = self._tokens[start:end]
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def end_tokens(model: Any, tokenizer: Tokenizer) -> frozenset[int]:
    """Each of them ends a reply."""
    configured = [getattr(model.generation_config, "eos_token_id", None), tokenizer.eos_token_id]
    ids: set[int] = set()
    for value in configured:
        ids.update(value if isinstance(value, list | tuple) else [] if value is None else [value])
    return frozenset(ids)


def closing_token(model: Any, tokenizer: Tokenizer, encoder: PromptEncoder) -> int:
    """The end token that the template itself puts after a reply, which need not be the tokenizer's own. Raises
    ConfigurationError for a model without any."""
    ends = end_tokens(model, tokenizer)
    if not ends:
        raise ConfigurationError("This model has no token that ends a reply, so it cannot learn to stop.")
    question = [Message("user", "a")]
    dialogue = encoder.encode_dialogue([*question, Message("assistant", "b")])[len(encoder.encode(question)) :]
    own = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else min(ends)
    return next((token for token in dialogue if token in ends), own)


def _system_into_user(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    system = [row["content"] for row in rows if row["role"] == "system"]
    others = [dict(row) for row in rows if row["role"] != "system"]
    if system and others and others[0]["role"] == "user":
        others[0]["content"] = "\n\n".join([*system, others[0]["content"]])
        return others
    return [{"role": "user", "content": "\n\n".join(system)}, *others] if system else others
