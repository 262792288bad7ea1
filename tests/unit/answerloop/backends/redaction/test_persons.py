"""What tells a person without any opinion of a model: lists of names and what stands around."""

import pytest
import spacy

from answerloop.backends.redaction.casing import recased
from answerloop.backends.redaction.gazetteer import Gazetteer
from answerloop.backends.redaction.persons import PersonFinder

WORDS = frozenset(
    {
        *("please", "ask", "about", "my", "laptop", "leave", "policy", "mary", "key", "is", "the", "of", "office"),
        *("reliable", "you", "can", "depend", "on", "manager", "will"),
    }
)
NAMES = Gazetteer(
    first_names=frozenset({"mary", "will", "weronika"}),
    last_names=frozenset({"martinsen", "key"}),
    dictionary=WORDS,
    things=frozenset({"mary", "laptop", "leave", "policy", "key", "manager"}),
    stop_words=frozenset({"my", "is", "you", "can", "on", "about", "will", "please"}),
)


@pytest.fixture(scope="module")
def blank():
    return spacy.blank("en")


def names(blank, text: str) -> list[str]:
    return [text[start:end] for start, end, _ in PersonFinder(NAMES).find(blank(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Weronika Martinsen has a laptop.", ["Weronika Martinsen"]),
        ("Please ask Mr. Okonkwo-Bell.", ["Okonkwo-Bell"]),
        ("Full name: Jan van der Berg", ["Jan van der Berg"]),
        ("Her maiden name is Key", ["Key"]),
        ("Vsevolod lives in Ghent.", ["Vsevolod"]),
        ("Dear Halldór,\nplease ask.", ["Halldór"]),
        ("Irenka's manager", []),
        ("Irenka's husband", ["Irenka"]),
        ("Mr. Adamska, please. Is Adamska in?", ["Adamska", "Adamska"]),
        ("The Leave Policy of Orrenby", []),
        ("I fly to Loeches on Saturday", []),
        ("The office is at Mary Street 12", []),
        ("VPN: please ask", []),
    ],
)
def test_names_are_told_by_their_words_and_surroundings(blank, text, found):
    assert names(blank, text) == found


def test_a_text_without_capitals_gets_them_where_a_name_may_be():
    assert recased("please ask mary smith about my leave", NAMES) == "please ask Mary Smith about my leave"
    assert recased("PLEASE ASK MR. WILL", NAMES) == "please ask Mr. Will"


def test_a_text_with_capitals_stays():
    assert recased("Please ask mary", NAMES) == "Please ask mary"


def test_offsets_stay_where_a_capital_is_two_letters():
    text = "straße ŉame"
    assert len(recased(text, NAMES)) == len(text)
