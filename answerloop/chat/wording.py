"""Every sentence and label of the frame around an answer. The answer itself is in the documents' own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from answerloop.domain import FeedbackReason, HomeFacts, Outcome, Respond, Stage

DAY, MONTH, YEAR = 1, 30, 365


@dataclass(frozen=True, slots=True)
class Wording:
    queued: str
    ahead_one: str
    ahead_many: str
    searching: str
    reading: str
    writing: str
    sources: str
    nearest: str
    updated: str
    today: str
    days: tuple[str, str]
    months: tuple[str, str]
    years: tuple[str, str]
    uncertain: str
    verified: str
    you_asked: str
    asked: str
    helpful: str
    not_helpful: str
    ask_human: str
    retract: str
    share: str
    human_asked: str
    resolved_by: str
    resolve: str
    help_wanted: str
    help_wanted_by_all: str
    rate: str
    suggest: str
    your_reply: str
    accept: str
    dismiss: str
    thanks: str
    why: str
    reasons: Mapping[FeedbackReason, str]
    comment: str
    comment_hint: str
    better: str
    better_hint: str
    source: str
    source_hint: str
    send: str
    home_greeting: str
    home_known: tuple[str, str, str]
    home_updated: str
    home_try: str
    home_last: str
    outcomes: Mapping[Outcome, str]
    waiting: str
    teams_ways: tuple[str, ...]
    room_settings: str
    marked: str
    taken_back: str
    corrected: str
    corrected_home: str


ENGLISH = Wording(
    queued="One moment …",
    ahead_one="One question is ahead of yours.",
    ahead_many="{count} questions are ahead of yours.",
    searching="Looking through the documents …",
    reading="Reading {titles} …",
    writing="Writing …",
    sources="Sources",
    nearest="Nearest documents",
    updated="updated {age}",
    today="today",
    days=("yesterday", "{count} days ago"),
    months=("a month ago", "{count} months ago"),
    years=("a year ago", "{count} years ago"),
    uncertain="⚠️ Uncertain: please check the source.",
    verified="✅ Verified by a colleague",
    you_asked="You asked: {question}",
    asked="{person} asked: {question}",
    helpful="Helpful",
    not_helpful="Not helpful",
    ask_human="Ask a human",
    retract="Take back",
    share="Share with channel",
    human_asked="🆘 A colleague has been asked.",
    resolved_by="✅ Taken care of by {person}",
    resolve="Mark as taken care of",
    help_wanted="🆘 {people}: {asker} would like a human to answer this.",
    help_wanted_by_all="🆘 {asker} would like a human to answer this.",
    rate="How was my answer to this question? Your rating helps to make the next one better.",
    suggest="Shall I suggest your reply as a better answer to this question?",
    your_reply="Your reply:",
    accept="Yes, suggest it",
    dismiss="No",
    thanks="Thank you, that helps.",
    why="What was wrong?",
    reasons={
        FeedbackReason.MADE_UP: "It is made up",
        FeedbackReason.INCOMPLETE: "It is incomplete",
        FeedbackReason.OUTDATED: "It is outdated",
        FeedbackReason.WRONG_SOURCE: "It relies on the wrong source",
        FeedbackReason.TONE: "I do not like the tone",
        FeedbackReason.OTHER: "Something else",
    },
    comment="In your words",
    comment_hint="What is wrong with it?",
    better="A better answer",
    better_hint="What would be right?",
    source="Where is it written?",
    source_hint="A document, a page, a link",
    send="Send",
    home_greeting="I answer questions from the company's documents, with their sources.",
    home_known=(
        "There is no document yet that you may read.",
        "I know 1 document that you may read{updated}. What it does not say, I do not know.",
        "I know {count} documents that you may read{updated}. What they do not say, I do not know.",
    ),
    home_updated=", last updated {age}",
    home_try="Try one of these",
    home_last="Your last questions",
    outcomes={
        Outcome.ANSWERED: "answered",
        Outcome.ABSTAINED: "not answered",
        Outcome.FAILED: "failed",
    },
    waiting="waiting",
    teams_ways=(
        "Write to me here.",
        "Mention me in a chat or a channel; the answer stands in the thread.",
        "Choose “Answer this” in the menu of any message.",
    ),
    room_settings="Settings of a channel",
    marked="🔒 From documents marked {mark}",
    taken_back="This was taken back.",
    corrected="✏️ A colleague has corrected my answer to your question. The right one stands where you asked{home}.",
    corrected_home=", and on my Home tab",
)

GERMAN = Wording(
    queued="Einen Moment …",
    ahead_one="Eine Frage ist vor deiner an der Reihe.",
    ahead_many="{count} Fragen sind vor deiner an der Reihe.",
    searching="Ich suche in den Dokumenten …",
    reading="Ich lese {titles} …",
    writing="Ich schreibe …",
    sources="Quellen",
    nearest="Naheliegende Dokumente",
    updated="Stand: {age}",
    today="heute",
    days=("gestern", "vor {count} Tagen"),
    months=("vor einem Monat", "vor {count} Monaten"),
    years=("vor einem Jahr", "vor {count} Jahren"),
    uncertain="⚠️ Unsicher: bitte in der Quelle nachsehen.",
    verified="✅ Von einer Kollegin oder einem Kollegen geprüft",
    you_asked="Deine Frage: {question}",
    asked="Frage von {person}: {question}",
    helpful="Hilfreich",
    not_helpful="Nicht hilfreich",
    ask_human="Einen Menschen fragen",
    retract="Zurücknehmen",
    share="Im Kanal teilen",
    human_asked="🆘 Ein Mensch ist gefragt worden.",
    resolved_by="✅ Erledigt von {person}",
    resolve="Als erledigt markieren",
    help_wanted="🆘 {people}: {asker} möchte, dass ein Mensch das beantwortet.",
    help_wanted_by_all="🆘 {asker} möchte, dass ein Mensch das beantwortet.",
    rate="Wie war meine Antwort auf diese Frage? Deine Bewertung hilft, die nächste besser zu machen.",
    suggest="Soll ich deine Antwort als bessere auf diese Frage vorschlagen?",
    your_reply="Deine Antwort:",
    accept="Ja, vorschlagen",
    dismiss="Nein",
    thanks="Danke, das hilft.",
    why="Was war falsch?",
    reasons={
        FeedbackReason.MADE_UP: "Das ist erfunden",
        FeedbackReason.INCOMPLETE: "Das ist unvollständig",
        FeedbackReason.OUTDATED: "Das ist veraltet",
        FeedbackReason.WRONG_SOURCE: "Das stützt sich auf die falsche Quelle",
        FeedbackReason.TONE: "Der Ton gefällt mir nicht",
        FeedbackReason.OTHER: "Etwas anderes",
    },
    comment="In deinen Worten",
    comment_hint="Was stimmt daran nicht?",
    better="Eine bessere Antwort",
    better_hint="Was wäre richtig?",
    source="Wo steht es?",
    source_hint="Ein Dokument, eine Seite, ein Link",
    send="Senden",
    home_greeting="Ich beantworte Fragen aus den Dokumenten der Firma, mit ihren Quellen.",
    home_known=(
        "Es gibt noch kein Dokument, das du lesen darfst.",
        "Ich kenne ein Dokument, das du lesen darfst{updated}. Was dort nicht steht, weiß ich nicht.",
        "Ich kenne {count} Dokumente, die du lesen darfst{updated}. Was dort nicht steht, weiß ich nicht.",
    ),
    home_updated=", Stand: {age}",
    home_try="Zum Ausprobieren",
    home_last="Deine letzten Fragen",
    outcomes={
        Outcome.ANSWERED: "beantwortet",
        Outcome.ABSTAINED: "nicht beantwortet",
        Outcome.FAILED: "fehlgeschlagen",
    },
    waiting="wartet",
    teams_ways=(
        "Schreib mir hier.",
        "Erwähne mich in einem Chat oder Kanal; die Antwort steht im Thread.",
        "Wähle „Antworte darauf“ im Menü einer Nachricht.",
    ),
    room_settings="Einstellungen eines Kanals",
    marked="🔒 Aus Dokumenten mit der Kennzeichnung {mark}",
    taken_back="Das wurde zurückgenommen.",
    corrected="✏️ Meine Antwort auf deine Frage ist berichtigt worden. Die richtige steht, wo du gefragt hast{home}.",
    corrected_home=", und auf meiner Startseite",
)

LANGUAGES = {"en": ENGLISH, "de": GERMAN}
SPOKEN = {"en": "English", "de": "Deutsch"}
RESPONDS = {
    Respond.MENTIONS: "When somebody mentions me",
    Respond.QUESTIONS: "To every new message that ends with a question mark",
    Respond.ALL: "To every new message",
    Respond.OFF: "Never",
}
"""Of a dialog that only admins see."""


def wording(language: str) -> Wording:
    return LANGUAGES.get(language, ENGLISH)


def stage(words: Wording, now: Stage, titles: str) -> str:
    match now:
        case Stage.QUEUED:
            return words.queued
        case Stage.READING if titles:
            return words.reading.format(titles=titles)
        case Stage.WRITING:
            return words.writing
    return words.searching


def known(words: Wording, facts: HomeFacts, now: datetime) -> str:
    """How many documents somebody may read, and of when."""
    none, one, many = words.home_known
    if not facts.documents:
        return none
    updated = words.home_updated.format(age=age(words, facts.updated_at, now)) if facts.updated_at else ""
    return (one if facts.documents == 1 else many).format(count=f"{facts.documents:,}", updated=updated)


def age(words: Wording, since: datetime, now: datetime) -> str:
    days = max(0, (now - since).days)
    if days < DAY:
        return words.today
    length, (one, many) = next(unit for unit in _units(words) if days >= unit[0])
    return one if days < 2 * length else many.format(count=days // length)


def _units(words: Wording) -> tuple[tuple[int, tuple[str, str]], ...]:
    return (YEAR, words.years), (MONTH, words.months), (DAY, words.days)
