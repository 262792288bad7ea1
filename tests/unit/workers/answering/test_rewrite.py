"""Follow-ups lean on what was said before; a change of subject does not."""

import pytest

from answerloop.domain import Turn
from workers.answering.rewrite import standalone

LEAVE = "How many days of parental leave do I get?"
VPN = "What does VPN-4471 mean?"


def turns(*questions: str) -> tuple[Turn, ...]:
    return tuple(Turn(question, "An answer.") for question in questions)


@pytest.mark.parametrize(
    "question",
    [
        "How do I apply for it?",
        "And if it is twins?",
        "And part-timers?",
        "but what if the baby comes early",
        "What about agency workers?",
        "how about adoption",
        "Brazil?",
        "Can I purchase more?",
        "Does that apply to freelancers too?",
        "What do they have to sign?",
        "Which form is used for this?",
        "What does a second one cost?",
        "I work in Porto. What do I get instead?",
        "Who approves those?",
        "how long?",
    ],
)
def test_a_follow_up_takes_up_the_question_before(question):
    assert standalone(question, turns(LEAVE)) == f"{LEAVE} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "How do I reset my password?",
        "What does the error VPN-4471 mean?",
        "Who approves expenses?",
        "Is there a gym in Ghent?",
        "Is it possible to work from Spain for a month?",
        "How long does it take to get a new laptop?",
        "When does the office close this year?",
        "Which train ticket may I buy for a one day trip?",
        "Where do I park in Leeds?",
    ],
)
def test_a_change_of_subject_stands_alone(question):
    assert standalone(question, turns(LEAVE)) == question


def test_a_chain_of_follow_ups_goes_back_to_the_first_that_stands_alone():
    asked = standalone("How long is the new one valid?", turns(LEAVE, VPN, "How do I fix that?"))
    assert asked == f"{VPN} How do I fix that? How long is the new one valid?"


def test_without_history_a_question_stays_as_it_is():
    assert standalone("And for contractors?", ()) == "And for contractors?"
