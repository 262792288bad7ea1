"""What counts as correct, and what as hallucinated."""

import pytest

from workers.evaluation import TestQuestion
from workers.evaluation.judge import direct_line, judge


def question(*answers: str, answerable: bool = True) -> TestQuestion:
    return TestQuestion("q", "How much is it?", answers, (), answerable, "default", frozenset(), ())


@pytest.mark.parametrize(
    ("row", "text", "abstained", "correct", "hallucinated"),
    [
        (question("EUR 40"), "It is EUR 40.", False, True, False),
        (question("EUR 40"), "It is EUR 400.", False, False, True),
        (question("EUR 40"), "I don't know, perhaps EUR 40.", True, False, False),
        (question("EUR 40"), "EUR 40 " + "and more " * 40, False, False, True),  # 82 words are no answer
        (question(answerable=False), "It is EUR 40.", False, False, True),
        (question(answerable=False), "I don't know.", True, False, False),
        (question("EUR 40", answerable=False), "It is EUR 40.", False, True, True),  # right, but from nowhere
        (question(), "It is EUR 40.", False, False, None),
    ],
)
def test_who_says_something_wrong_hallucinates_and_who_abstains_never_does(row, text, abstained, correct, hallucinated):
    verdict = judge(row, text, direct_line(text), abstained)
    assert (verdict["correct"], verdict["hallucinated"]) == (correct, hallucinated)


def test_f1_is_that_of_the_direct_answer():
    # "eur 40" against "eur 40": 1; against "it is eur 40": shared 2, precision 2/4, recall 2/2
    assert judge(question("EUR 40"), "**EUR 40**\n\nIt is.", "EUR 40", abstained=False)["f1"] == 1.0
    assert judge(question("EUR 40"), "It is EUR 40", "It is EUR 40", abstained=False)["f1"] == pytest.approx(2 / 3)
    assert judge(question(), "EUR 40", "EUR 40", abstained=False)["f1"] is None


def test_the_direct_line_has_neither_emphasis_nor_citations():
    assert direct_line("**EUR 40 [1]**\n\nIt is EUR 40. [1]") == "EUR 40"
