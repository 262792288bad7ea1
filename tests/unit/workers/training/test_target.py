"""The phrase of the documents that says what people have approved."""

import pytest

from answerloop.domain import Sentence
from workers.training.target import best_run


def run(approved: str, question: str, *evidence: str) -> str | None:
    found = best_run(approved, question, [Sentence(text, at, 1.0, 1.0) for at, text in enumerate(evidence, start=1)])
    return found.text if found else None


@pytest.mark.parametrize(
    ("approved", "question", "evidence", "wanted"),
    [
        ("90 days", "How long is parental leave?", "Parental leave is 90 days for everybody.", "90 days"),
        ("Parental leave is 90 days.", "How long is parental leave?", "Parental leave is 90 days for all.", "90 days"),
        (
            "You get 90 days of paid parental leave.",
            "How many days do I get?",
            "Every employee gets 90 days of paid parental leave for each child.",
            "90 days of paid parental leave",
        ),
        ("Until 31 March.", "Until when?", "Leave must be taken by 31 March of the next year.", "31 March"),
        ("EUR 187 million", "What did we earn?", "Fact: Revenue in 2025; Value: EUR 187 million", "EUR 187 million"),
        (
            "We earned EUR 187 million in 2025.",
            "What did we earn in 2025?",
            "Fact: Revenue in 2025; Value: EUR 187 million",
            "EUR 187 million",
        ),
        (
            "The monthly limit is used up.",
            "What does C-51 mean?",
            "C-51 means that the monthly limit is used up.",
            "the monthly limit is used up",
        ),
        (
            "Within three days of receiving it.",
            "How soon?",
            "Upload it within three days of receiving it.",
            "within three days of receiving it",
        ),
        (
            "On the last day.",
            "When does it end?",
            "Health cover ends on the last day of the month.",
            "on the last day",
        ),
        ("form HR-17", "Which form?", "Hand in **form HR-17** three months before.", "form HR-17"),
        ("Your manager and the HR team.", "Who signs?", "It is signed by your manager and the HR team.", None),
    ],
)
def test_it_is_the_shortest_run_that_says_it(approved, question, evidence, wanted):
    assert run(approved, question, evidence) == (wanted or "your manager and the HR team")


@pytest.mark.parametrize(
    ("approved", "evidence"),
    [
        ("90 days", "Parental leave is 60 days for everybody."),
        ("EUR 50 per night", "The hotel limit per night is EUR 210."),
        ("Ask the works council", "Parental leave is 60 days for everybody."),
        ("", "Parental leave is 60 days for everybody."),
    ],
)
def test_nothing_is_taken_that_says_something_else(approved, evidence):
    assert run(approved, "How long is it?", evidence) is None


def test_the_sentence_that_says_it_best_is_taken():
    found = best_run(
        "five days in January",
        "When?",
        [Sentence("It takes five days.", 1, 1.0, 1.0), Sentence("It takes five days in January.", 2, 0.5, 0.5)],
    )
    assert found is not None
    assert (found.text, found.sentence.passage) == ("five days in January", 2)
