"""Candidate phrases and their features, on sentences parsed by hand."""

import pytest
import spacy
from spacy.tokens import Doc

from answerloop.backends.local_models.phrases import Asked, ReadSentence


@pytest.fixture(scope="module")
def leave() -> Doc:
    return Doc(
        spacy.blank("en").vocab,
        words=["Every", "employee", "gets", "90", "days", "of", "leave", "in", "mid", "-", "June", "."],
        spaces=[True, True, True, True, True, True, True, True, False, False, False, False],
        pos=["DET", "NOUN", "VERB", "NUM", "NOUN", "ADP", "NOUN", "ADP", "ADJ", "PUNCT", "PROPN", "PUNCT"],
        heads=[1, 2, 2, 4, 2, 4, 5, 2, 10, 10, 7, 2],
        deps=["det", "nsubj", "ROOT", "nummod", "dobj", "prep", "pobj", "prep", "amod", "punct", "pobj", "punct"],
        ents=["O", "O", "O", "B-DATE", "I-DATE", "O", "O", "O", "O", "O", "O", "O"],
    )


def features(doc: Doc, question: str, phrase: str) -> dict[str, float]:
    return next(
        found.features for found in ReadSentence(doc, Asked.of(question), 0, 0.0).phrases() if found.text == phrase
    )


def texts(doc: Doc) -> set[str]:
    return {phrase.text for phrase in ReadSentence(doc, Asked.of("How many days?"), 0, 0.0).phrases()}


@pytest.mark.parametrize(
    ("question", "kind", "wanted"),
    [
        ("How many days of leave do I get?", "how many", {"day", "leav"}),
        ("Which error code means a broken disk?", "which", {"error", "code", "mean"}),
        ("What kind of badge opens the lab?", "what", {"badg", "open", "lab"}),
        ("In what year was the plant built?", "when", {"year"}),
        ("Whom do I ask?", "who", set()),
        ("VPN-4471", "other", set()),
    ],
)
def test_a_question_tells_what_it_asks_for(question: str, kind: str, wanted: set[str]) -> None:
    asked = Asked.of(question)
    assert asked.kind == kind
    assert set(asked.wanted) <= wanted
    assert bool(asked.wanted) == bool(wanted)


def test_phrases_are_whole_words_and_start_and_end_with_sense(leave: Doc) -> None:
    found = texts(leave)
    assert {"90 days", "90 days of leave", "Every employee"} <= found
    assert not found & {"days of", "mid", "June", "gets 90 days of leave in"}


def test_features_say_what_a_phrase_is(leave: Doc) -> None:
    told = features(leave, "How many days of leave do I get?", "90 days")
    assert told["number"] == told["how many|number"] == told["entity date"] == told["wanted last"] == 1.0
    assert "number" not in features(leave, "How many days of leave do I get?", "Every employee")


def test_a_phrase_that_mostly_repeats_the_question_is_none(leave: Doc) -> None:
    found = {
        phrase.text for phrase in ReadSentence(leave, Asked.of("Does every employee get leave?"), 0, 0.0).phrases()
    }
    assert "90 days" in found
    assert not found & {"leave", "Every employee"}


def test_a_label_is_no_answer() -> None:
    words = ["Approver", ":", "Department", "head", ";", "Quotes", "needed", ":", "two"]
    row = Doc(spacy.blank("en").vocab, words=words, heads=[0] * 9, deps=["ROOT", *["dep"] * 8], pos=["NOUN"] * 9)
    assert texts(row) & {"Approver", "Department head", "Quotes needed", "two"} == {"Department head", "two"}
