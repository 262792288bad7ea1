"""The waiting for an answer, as Teams shows it: one line of words."""

from __future__ import annotations

from typing import Any

from answerloop.chat import wording
from answerloop.chat.text import shortened
from answerloop.domain import Progress
from answerloop.teams.activity import message
from answerloop.teams.answer import plain
from answerloop.teams.card import card, line, paragraphs, run

MOST_TITLES = 3
MOST_TITLE = 80
MOST_TEXT = 3000


def render_progress(progress: Progress, language: str) -> dict[str, Any]:
    said = wording.wording(language)
    titles = dict.fromkeys(shortened(source.passage.title, MOST_TITLE) for source in progress.sources)
    status = wording.stage(said, progress.stage, ", ".join(list(titles)[:MOST_TITLES]))
    if progress.ahead:
        ahead = said.ahead_one if progress.ahead == 1 else said.ahead_many.format(count=progress.ahead)
        status = f"{status} {ahead}"
    text = shortened(plain(progress.text), MOST_TEXT)
    status = " ".join(status.split())
    shown = card(*(paragraphs(text) if text.strip() else []), line(run(f"👀 {status}", subtle=True)))
    return message(shown, status)
