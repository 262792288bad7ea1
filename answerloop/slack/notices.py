"""Messages beside the answers, as Slack shows them."""

from __future__ import annotations

from answerloop.chat import wording
from answerloop.chat.wording import Wording
from answerloop.domain import Notice, NoticeKind
from answerloop.slack.answer import person, thumb_buttons
from answerloop.slack.mrkdwn import escape, fitted
from answerloop.slack.rendered import Block, Rendered, actions, button, section

MOST_TEXT = 2500
MOST_QUESTION = 300


def render_notice(notice: Notice, language: str) -> Rendered:
    words = wording.wording(language)
    question = fitted(" ".join(notice.question.split()), MOST_QUESTION)
    match notice.kind:
        case NoticeKind.ESCALATION:
            return _escalation(notice, words)
        case NoticeKind.REMINDER:
            text = f"{words.rate}\n> {question}"
            return Rendered(text, [section(text), actions(*thumb_buttons(notice.answer_id or "", words))])
        case NoticeKind.SUGGESTION:
            text = f"{words.suggest}\n> {question}"
            yes = button(words.accept, "suggestion_accept", notice.id, "primary")
            no = button(words.dismiss, "suggestion_dismiss", notice.id)
            reply = fitted(notice.text, MOST_TEXT, lambda text: f"{words.your_reply}\n{_quotation(text)}")
            return Rendered(text, [section(text), section(reply), actions(yes, no)])
        case NoticeKind.THANKS:
            return _plain(words.thanks)
        case NoticeKind.CORRECTED:
            return _corrected(question, words)
    return _plain(fitted(notice.text, MOST_TEXT))


def _corrected(question: str, words: Wording) -> Rendered:
    return _plain(f"{words.corrected.format(home=words.corrected_home)}\n> {question}")


def _plain(text: str) -> Rendered:
    return Rendered(text, [section(text)])


def _escalation(notice: Notice, words: Wording) -> Rendered:
    asker = person(notice.escalation.asked_by) if notice.escalation else "?"
    people = " ".join(person(each) for each in notice.people)
    wanted = words.help_wanted if people else words.help_wanted_by_all
    text = wanted.format(people=people, asker=asker)
    blocks: list[Block] = [section(text), section(_quoted(notice.question))]
    if notice.escalation and notice.escalation.resolved_by:
        blocks.append(section(words.resolved_by.format(person=person(notice.escalation.resolved_by))))
    elif notice.answer_id:
        blocks.append(actions(button(words.resolve, "escalation_resolved", notice.answer_id, "primary")))
    return Rendered(text, blocks)


def _quoted(text: str) -> str:
    return fitted(text, MOST_TEXT, _quotation)


def _quotation(text: str) -> str:
    return "\n".join(f"> {escape(line)}" for line in text.splitlines() or ["…"])
