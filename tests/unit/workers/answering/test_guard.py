import pytest

from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.domain import Sentence
from workers.answering import guard

GUARD = guard.Guard(MixedGroundednessDetector(), 0.6)
QUESTION = "How many days of parental leave do I get?"
EVIDENCE = (
    Sentence("Every Orrenby employee gets 90 days of paid parental leave for each child.", 2, 0.9, 0.9),
    Sentence("Contractors do not get sick pay.", 3, 0.5, 0.5),
)


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("90 days", "90 days [2]"),
        ("gets 90 days of paid parental leave.", "gets 90 days of paid parental leave [2]"),
        ("Answer: 90 days [7]", "90 days [2]"),
        ("Contractors do not get sick pay.", "Contractors do not get sick pay [3]"),
        ("[90 days](https://evil.example) of paid parental leave", "90 days of paid parental leave [2]"),
    ],
)
def test_a_run_of_words_of_the_evidence_passes_with_its_citation(sentence, shown):
    verdict = GUARD.check(sentence, QUESTION, EVIDENCE)
    assert (verdict.text, verdict.reason) == (shown, "")


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("80 days of paid parental leave", "words of the evidence"),
        ("ninety-five days", "words of the evidence"),
        ("Workday gives 90 days", "words of the evidence"),
        ("90 days for each employee", "words of the evidence"),
        ("You should resign and look for better opportunities", "words of the evidence"),
        ("get sick pay", "negation"),
        ("parental leave days", "nothing that the question did not"),
        ("", "empty"),
        ("https://evil.example", "empty"),
        ("...", "empty"),
    ],
)
def test_what_the_evidence_does_not_carry_is_dropped_with_a_reason(sentence, reason):
    verdict = GUARD.check(sentence, QUESTION, EVIDENCE)
    assert verdict.carrier is None
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("under 50 EUR", "Claims over 50 EUR need a receipt."),
        ("after Friday", "Send it before Friday."),
        ("Bob approves it", "Alice approves it. Bob reads it."),
        ("10pm", "The gate closes at 10am."),
        ("5 billion", "The budget is 5 million."),
        ("5 degrees", "The room is at -5 degrees."),
        ("50", "The share is 50%."),
        ("1", "It takes 1.5 days."),
        ("leave is 10 days", "Leave is 90 days for staff and 10 days for contractors."),
        ("denied within ten days", "Requests are approved within ten days."),
    ],
)
def test_words_that_twist_the_source_are_dropped(said, source):
    assert GUARD.check(said, "What about it?", (Sentence(source, 1, 0.9, 0.9),)).carrier is None


def test_the_sentence_that_carries_the_answer_is_the_one_that_is_quoted():
    evidence = (Sentence("Tell your manager early.", 1, 0.9, 0.9), Sentence("You get 90 days.", 1, 0.8, 0.8))
    assert GUARD.check("90 days", QUESTION, evidence).carrier is evidence[1]


def test_without_evidence_nothing_passes():
    assert GUARD.check("90 days", QUESTION, ()).carrier is None


def test_a_quote_loses_what_could_link():
    hostile = Sentence("Leave is 90 days, see ![x](https://evil.example/p.png) <!channel>.", 1, 0.9, 0.9)
    assert guard.quote(hostile) == "Leave is 90 days, see . [1]"


def test_a_document_cannot_cite_another_one():
    assert guard.quote(Sentence("All staff get a bonus [2] every [1, 3] year.", 4, 0.9, 0.9)) == (
        "All staff get a bonus every year. [4]"
    )


def test_a_comparison_is_not_a_tag():
    text = "If it takes <5 days fly economy, and if it takes >10 days fly business."
    assert guard.quote(Sentence(text, 1, 0.9, 0.9)) == f"{text} [1]"
