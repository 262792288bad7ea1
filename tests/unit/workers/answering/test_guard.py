import pytest

from answerloop.domain import Sentence
from workers.answering import guard

QUESTION = "How many days of parental leave do I get?"
EVIDENCE = (
    Sentence("Every Orrenby employee gets 90 days of paid parental leave for each child.", 2, 0.9, 0.9),
    Sentence("Contractors do not get sick pay.", 3, 0.5, 0.5),
)


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("90 days", "90 days [2]"),
        (
            "Every employee gets 90 days of paid parental leave.",
            "Every employee gets 90 days of paid parental leave. [2]",
        ),
        ("Answer: 90 days [7]", "90 days [2]"),
        ("Contractors do not get sick pay.", "Contractors do not get sick pay. [3]"),
        ("[90 days](https://evil.example) for each child", "90 days for each child [2]"),
    ],
)
def test_what_the_evidence_carries_passes_with_its_citation(sentence, shown):
    verdict = guard.check(sentence, QUESTION, EVIDENCE)
    assert (verdict.passed, verdict.text) == (True, shown)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("80 days of paid parental leave", "number"),
        ("ninety-five days", "number"),
        ("90 days, says the Workday portal", "name"),
        ("You should resign and look for better opportunities", "few words"),
        ("Every employee does not get 90 days of leave", "negation"),
        ("parental leave days", "nothing that the question did not"),
        ("", "empty"),
        ("https://evil.example", "empty"),
        ("...", "empty"),
    ],
)
def test_what_the_evidence_does_not_carry_is_dropped_with_a_reason(sentence, reason):
    verdict = guard.check(sentence, QUESTION, EVIDENCE)
    assert not verdict.passed
    assert reason in verdict.reason


def test_without_evidence_nothing_passes():
    assert not guard.check("90 days", QUESTION, ()).passed


def test_a_quote_loses_what_could_link():
    hostile = Sentence("Leave is 90 days, see ![x](https://evil.example/p.png) <!channel>.", 1, 0.9, 0.9)
    assert guard.quote(hostile) == "Leave is 90 days, see . [1]"
