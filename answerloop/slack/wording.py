"""Every sentence and label of the frame around an answer. The answer itself is in the documents' own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from answerloop.domain import Stage

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
    corrected: str


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
    rate="How was my answer to this question? Your rating helps to make the next one better.\n> {question}",
    suggest="Shall I suggest your reply as a better answer to this question?\n> {question}",
    your_reply="Your reply:",
    accept="Yes, suggest it",
    dismiss="No",
    thanks="Thank you, that helps.",
    corrected="✏️ A colleague has corrected my answer to your question. The right one stands where you asked, and on my "
    "Home tab.\n> {question}",
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
    rate="Wie war meine Antwort auf diese Frage? Deine Bewertung hilft, die nächste besser zu machen.\n> {question}",
    suggest="Soll ich deine Antwort als bessere auf diese Frage vorschlagen?\n> {question}",
    your_reply="Deine Antwort:",
    accept="Ja, vorschlagen",
    dismiss="Nein",
    thanks="Danke, das hilft.",
    corrected="✏️ Meine Antwort auf deine Frage ist berichtigt worden. Die richtige steht, wo du gefragt hast, und auf "
    "meiner Startseite.\n> {question}",
)

LANGUAGES = {"en": ENGLISH, "de": GERMAN}


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


def age(words: Wording, since: datetime, now: datetime) -> str:
    days = max(0, (now - since).days)
    if days < DAY:
        return words.today
    length, (one, many) = next(unit for unit in _units(words) if days >= unit[0])
    return one if days < 2 * length else many.format(count=days // length)


def _units(words: Wording) -> tuple[tuple[int, tuple[str, str]], ...]:
    return (YEAR, words.years), (MONTH, words.months), (DAY, words.days)
