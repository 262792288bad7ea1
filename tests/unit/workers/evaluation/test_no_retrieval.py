"""The same questions to the model alone."""

import pytest

from answerloop.errors import GeneratorUnavailable
from answerloop.testing.fakes import FakeGenerator
from workers.evaluation.no_retrieval import ask_without_documents, comparison, declines


@pytest.mark.parametrize(
    "text", ["", " … ", "I don't know.", "I don’t know", "Sorry, I do not know that.", "As an AI, I have no access."]
)
def test_a_model_that_says_so_does_not_know(text):
    assert declines(text)


@pytest.mark.parametrize("text", ["EUR 40", "You cannot carry it over.", "I did not say 40 but 50", "Alexandria can't"])
def test_a_no_in_the_answer_is_an_answer(text):
    assert not declines(text)


def test_the_model_alone_gets_the_question_and_nothing_else(workshop, questions):
    said = ask_without_documents(workshop, questions[0])
    request = workshop.language_model.requests[-1]
    shown = " ".join(message.content for message in request.messages)
    assert questions[0].question in shown
    assert "120" not in shown
    assert request.evidence == ()
    assert request.max_tokens == workshop.settings.max_new_tokens
    assert (said["text"], said["abstained"], said["hallucinated"]) == ("I'm not sure.", True, False)


def test_a_model_that_fails_fails_the_comparison(workshop, questions):
    workshop.language_model = FakeGenerator(lambda request: RuntimeError("out of memory"))
    with pytest.raises(GeneratorUnavailable):
        ask_without_documents(workshop, questions[0])


def row(answerable, ours, bare):
    """(correct, f1, hallucinated) of either side."""
    names = ("correct", "f1", "hallucinated")
    answers = ["gold"] if answerable else []
    return {
        "answerable": answerable,
        "answers": answers,
        **dict(zip(names, ours, strict=True)),
        "no_retrieval": dict(zip(names, bare, strict=True)),
    }


def test_the_difference_is_that_of_the_same_questions():
    compared = comparison(
        [
            row(True, (True, 1.0, False), (False, 0.0, True)),
            row(True, (True, 0.5, False), (True, 0.5, False)),
            row(True, (False, 0.0, True), (False, 0.0, True)),
            row(False, (False, None, False), (False, None, True)),
        ]
    )
    # correct: 2 of 3 and 1 of 3; F1: (1 + .5 + 0) / 3 and .5 / 3; hallucinated: 1 of 4 and 3 of 4
    expected = {
        "correct": (2 / 3, 1 / 3, 1 / 3, 3),
        "f1": (0.5, 1 / 6, 1 / 3, 3),
        "hallucinated": (0.25, 0.75, -0.5, 4),
    }
    for name, (ours, bare, difference, n) in expected.items():
        sides = compared[name]
        assert sides["with"]["value"] == pytest.approx(ours)
        assert sides["without"]["value"] == pytest.approx(bare)
        assert sides["difference"]["value"] == pytest.approx(difference)
        assert sides["difference"]["low"] <= difference <= sides["difference"]["high"]
        assert sides["difference"]["n"] == n


def test_a_question_that_cannot_be_judged_is_left_out_of_hallucination_alone():
    compared = comparison([row(True, (True, 1.0, None), (False, 0.0, None))])
    assert compared.keys() == {"correct", "f1"}
