from dataclasses import replace

import pytest

from answerloop.domain import Action, Confidence, Escalation, Notice, NoticeKind
from answerloop.teams.answer import render_short
from answerloop.testing.adaptive_card import things
from tests.unit.answerloop.slack.messages import ANSWERS, FAQ, SURE, a_source
from tests.unit.answerloop.teams.messages import CALL, DANA, FINN, Message, shown, told

URL = "https://docs.example/page"


def lines_of(message: Message) -> list[str]:
    """What is read, line by line."""
    lines = []
    for thing in things(message["attachments"]):
        if thing["type"] == "RichTextBlock":
            lines.append("".join(run["text"] for run in thing["inlines"]))
        elif thing["type"] == "TextBlock":
            lines.append(thing["text"])
    return lines


def buttons_of(message: Message) -> list[tuple[str, str, object]]:
    return [
        (thing["title"], thing.get("verb", thing["type"]), thing.get("data"))
        for thing in things(message["attachments"])
        if thing["type"].startswith("Action.") and "title" in thing
    ]


@pytest.mark.parametrize(
    ("name", "rated"), [("sure", True), ("not known", True), ("refused", False), ("failed", False)]
)
def test_only_what_is_an_answer_can_be_rated(name, rated):
    verbs = [verb for _, verb, _ in buttons_of(shown(ANSWERS[name]))]
    assert ("up" in verbs) is ("down" in verbs) is ("Action.ToggleVisibility" in verbs) is rated
    assert {"human", "retract"} <= set(verbs)


def test_every_button_says_which_answer_it_is_about():
    buttons = buttons_of(shown(SURE))
    assert all(data == {"answer": "a1"} for _, verb, data in buttons if verb in ("up", "down", "human", "retract"))


def test_somebody_can_be_asked_for_once():
    assert "human" not in [verb for _, verb, _ in buttons_of(shown(replace(SURE, escalation=Escalation(DANA))))]


def test_sources_are_one_list_of_what_was_cited_with_its_age_and_where_it_is_read():
    assert lines_of(shown(SURE))[3:] == [
        "Sources",
        "[1] Leave handbook · updated 3 days ago",
        "[2] Parental leave: questions & answers · updated a year ago",
    ]
    links = [thing["url"] for thing in things(shown(SURE)["attachments"]) if thing["type"] == "Action.OpenUrl"]
    assert links == ["https://intranet.example/leave?id=1&part=2"]


def test_five_sources_with_endless_titles_fit():
    sources = tuple(a_source(number, "a title " * 100, url=URL) for number in range(1, 9))
    message = shown(replace(SURE, sources=sources))
    assert sum("a title" in line for line in lines_of(message)) == 5


def test_lead_and_quotes_are_lines():
    message = shown(SURE)
    [lead] = [run for thing in things(message["attachments"]) for run in thing.get("inlines", []) if "weight" in run]
    assert (lead["text"], lead["weight"]) == ("90 days", "Bolder")
    assert lines_of(message)[:3] == [
        "90 days",
        "“Every employee gets 90 days of parental leave.” [1]",
        "“It may be taken in two parts.” [2]",
    ]
    assert message["summary"].startswith("90 days “Every employee gets")


def test_the_question_is_repeated_where_it_does_not_stand_above():
    assert lines_of(shown(SURE, restate=True, private=True))[0] == "You asked: How long is parental leave?"
    assert lines_of(shown(SURE))[0] == "90 days"


def test_a_verdict_of_a_colleague_replaces_doubt():
    doubted = replace(SURE, confidence=Confidence.UNCERTAIN, sources=(FAQ,))
    assert any("Uncertain" in line for line in lines_of(shown(doubted)))
    verified = lines_of(shown(replace(doubted, verified=True)))
    assert not any("Uncertain" in line for line in verified)
    assert any("Verified" in line for line in verified)


def test_a_refusal_is_not_called_uncertain():
    refused = replace(ANSWERS["refused"], action=Action.REFUSED, confidence=Confidence.UNCERTAIN)
    assert not any("Uncertain" in line for line in lines_of(shown(refused)))


@pytest.mark.parametrize("render", [shown, render_short])
def test_an_answer_is_marked_as_made_by_a_machine(render):
    [entity] = render(replace(SURE, sensitivity="Internal"))["entities"]
    assert entity["type"] == entity["usageInfo"]["type"] == "https://schema.org/Message"
    assert entity["additionalType"] == ["AIGeneratedContent"]
    assert entity["usageInfo"]["name"] == "Internal"
    assert "usageInfo" not in render(SURE)["entities"][0]


# --- notices


def test_whoever_is_called_is_mentioned_and_the_asker_is_named():
    message = told(CALL)
    assert lines_of(message)[0] == "🆘 <at>Finn Maertens</at>: Dana Devlin would like a human to answer this."
    assert message["attachments"][0]["content"]["msteams"]["entities"] == [
        {
            "type": "mention",
            "text": "<at>Finn Maertens</at>",
            "mentioned": {"id": "00000000-finn", "name": "Finn Maertens"},
        }
    ]
    assert message["summary"] == "🆘 Dana Devlin would like a human to answer this."


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("<at>Everyone</at>", "atEveryoneat"),
        ("**Dana** [x](https://evil.example)", "Dana x(httpsevil example"),
        ("O’Neill-Smith, J. (HR)", "O’Neill-Smith, J. (HR"),
        ("J.R. Smith", "J R. Smith"),
        ("李 小龍", "李 小龍"),
        ("Zoë  Ångström", "Zoë Ångström"),
        ("\u202e\u200b<>", "?"),
        ("", "?"),
        ("www.evil.example", "www evil example"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_name_is_no_markup(name, called):
    message = told(CALL, names=lambda person: name)
    assert lines_of(message)[0] == f"🆘 <at>{called}</at>: {called} would like a human to answer this."


def test_people_of_other_platforms_are_left_out():
    message = told(replace(CALL, people=("dana", "slack:T01:U1", "teams:t1:\ud83d", "teams:t1:", FINN)))
    assert lines_of(message)[0].count("<at>") == 1
    assert "<at>" not in lines_of(told(replace(CALL, people=("dana",))))[0]


def test_two_people_of_one_name_are_both_mentioned():
    message = told(replace(CALL, people=(FINN, DANA, FINN)), names=lambda person: "A. Kim")
    assert lines_of(message)[0].startswith("🆘 <at>A. Kim</at> <at>A. Kim 2</at>:")
    mentioned = message["attachments"][0]["content"]["msteams"]["entities"]
    assert [(each["mentioned"]["id"], each["text"]) for each in mentioned] == [
        ("00000000-finn", "<at>A. Kim</at>"),
        ("00000000-dana", "<at>A. Kim 2</at>"),
    ]


def test_a_call_ends_when_somebody_takes_care():
    done = told(replace(CALL, escalation=Escalation(DANA, FINN)))
    assert lines_of(done)[-1] == "✅ Taken care of by Finn Maertens"
    assert buttons_of(done) == []
    assert [verb for _, verb, _ in buttons_of(told(CALL))] == ["resolve"]


def test_a_suggestion_can_be_taken_or_left():
    message = told(Notice("n3", NoticeKind.SUGGESTION, "It is 95 days.", question="How long?"))
    assert [(verb, data) for _, verb, data in buttons_of(message)] == [
        ("accept", {"notice": "n3"}),
        ("dismiss", {"notice": "n3"}),
    ]


def test_an_endless_name_is_cut():
    message = shown(replace(SURE, escalation=Escalation(DANA, FINN)), names=lambda person: "Finn " * 9000)
    [mark] = [line for line in lines_of(message) if "Taken care of" in line]
    assert len(mark) < 120
