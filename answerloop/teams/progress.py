"""The waiting for an answer, as Teams shows it: one line of words."""

from __future__ import annotations

from typing import Any

from answerloop.chat import wording
from answerloop.chat.text import shortened
from answerloop.domain import Progress
from answerloop.teams.activity import message
from answerloop.teams.card import card, line, run

MOST_TITLES = 3
MOST_TITLE = 80
MOST_TEXT = 3000
MOST_SHORT = 2000


def render_progress(progress: Progress, language: str) -> dict[str, Any]:
    said = wording.wording(language)
    titles = dict.fromkeys(shortened(source.passage.title, MOST_TITLE) for source in progress.sources)
    status = wording.stage(said, progress.stage, ", ".join(list(titles)[:MOST_TITLES]))
    if progress.ahead:
        ahead = said.ahead_one if progress.ahead == 1 else said.ahead_many.format(count=progress.ahead)
        status = f"{status} {ahead}"
    text = shortened(progress.text.replace("**", ""), MOST_TEXT)
    shown = card(line(run(text)) if text else None, line(run(f"👀 {status}", subtle=True)))
    return message(shown, status)


def render_short(text: str) -> dict[str, Any]:
    """An answer without anything around it, for where the whole was too much."""
    return message(card(line(run(shortened(text.replace("**", ""), MOST_SHORT) or "…"))), "…")
