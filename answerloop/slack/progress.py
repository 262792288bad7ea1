"""The waiting for an answer, as Slack shows it: one line of words, or the steps of the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from answerloop.chat import wording
from answerloop.chat.text import shortened
from answerloop.domain import Progress, Stage
from answerloop.slack.mrkdwn import fitted, inert
from answerloop.slack.rendered import MOST_SECTION, Rendered, context, section

MOST_TITLES = 3
MOST_TITLE = 80
STEPS = (Stage.SEARCHING, Stage.READING, Stage.WRITING)


def render_progress(progress: Progress, language: str) -> Rendered:
    words = wording.wording(language)
    line = wording.stage(words, progress.stage, _titles(progress, lambda title: f"*{fitted(title, 2 * MOST_TITLE)}*"))
    if progress.ahead:
        ahead = words.ahead_one if progress.ahead == 1 else words.ahead_many.format(count=progress.ahead)
        line = f"{line} {ahead}"
    body = [section(fitted(progress.text.replace("**", ""), MOST_SECTION))] if progress.text else []
    return Rendered(line, [*body, context(line)])


def status(progress: Progress, language: str) -> str:
    """One plain line, without any markup."""
    return wording.stage(wording.wording(language), progress.stage, _titles(progress, _unbracketed))


def steps(progress: Progress, language: str) -> list[dict[str, Any]]:
    """The work as the task chunks of a stream: what is done, and what is being done. A step keeps its id, which names
    the question."""
    now = STEPS.index(progress.stage) if progress.stage in STEPS else 0
    words = wording.wording(language)
    return [
        {
            "type": "task_update",
            "id": f"{progress.question_id}-{stage}",
            "title": wording.stage(words, stage, _titles(progress, _unbracketed)),
            "status": "complete" if number < now else "in_progress",
        }
        for number, stage in enumerate(STEPS[: now + 1])
    ]


def _titles(progress: Progress, written: Callable[[str], str]) -> str:
    titles = dict.fromkeys(source.passage.title for source in progress.sources)
    return ", ".join(written(shortened(title, MOST_TITLE)) for title in list(titles)[:MOST_TITLES])


def _unbracketed(text: str) -> str:
    return inert(text).replace("<", "‹").replace(">", "›")
