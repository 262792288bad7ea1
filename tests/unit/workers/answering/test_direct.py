"""Who says the direct answer, and whose it is called."""

import time

import pytest

from answerloop.domain import BASE_ADAPTER, Sentence
from answerloop.ports import GenerationRequest
from answerloop.testing.fakes import FakeGenerator
from workers.answering.direct import NOT_SAID, Direct, say
from workers.answering.generate import Voice
from workers.answering.guard import Verdict

EVIDENCE = (Sentence("Leave is 90 days.", 1, 0.9, 0.9),)
NOTHING = "The evidence does not say."
BROKEN = RuntimeError("out of memory")


def voice(said: str | Exception, name: str, adapter: str = BASE_ADAPTER) -> Voice:
    generator = FakeGenerator(lambda request: said)
    generator.name = name
    return Voice(generator, GenerationRequest((), "?", EVIDENCE, 32, time.monotonic() + 5, adapter))


def direct(*rounds: list[Voice], is_sure: bool = True) -> tuple[Direct, list[str]]:
    shown: list[str] = []

    def check(sentence: str) -> Verdict:
        passes = sentence in EVIDENCE[0].text
        return Verdict(sentence, EVIDENCE[0], "", 1.0) if passes else Verdict(reason=f"not in the words: {sentence}")

    found = say(rounds, check, is_sure, lambda passed: shown.append(passed.text))
    return found, shown


def rounds(first: str | Exception, second: str | Exception) -> tuple[list[Voice], list[Voice]]:
    rest = [voice(second, "reader"), voice("Leave is 90 days.", "quotes")]
    return [voice(first, "model", "night-1"), *rest], rest


@pytest.mark.parametrize(
    ("first", "second", "text", "model", "adapter", "reason"),
    [
        ("90 days", "90", "90 days", "model", "night-1", ""),
        ("120 days", "90", "90", "reader", "night-1", "not in the words: 120 days"),
        (NOTHING, "90", "90", "reader", "night-1", NOT_SAID),
        ("120 days", "7", "", "model", "night-1", "not in the words: 120 days; not in the words: 7"),
        ("120 days", BROKEN, "Leave is 90 days.", "quotes", "night-1", "not in the words: 120 days; "
                                                                      "GeneratorUnavailable"),
        ("", "90", "90", "reader", "night-1", ""),
        (BROKEN, "90", "90", "reader", BASE_ADAPTER, "GeneratorUnavailable"),
    ],
)  # fmt: skip
def test_the_second_one_speaks_where_the_adapter_says_nothing_that_may_be_shown(
    first, second, text, model, adapter, reason
):
    found, shown = direct(*rounds(first, second))
    assert (found.verdict.text, found.model, found.adapter) == (text, model, adapter)
    assert "; ".join(found.reasons) == reason
    assert shown == ([text] if text else [])


def test_an_adapter_that_finds_nothing_is_believed_where_retrieval_is_not_sure():
    found, shown = direct(*rounds(NOTHING, "90"), is_sure=False)
    assert found.gave_up
    assert (found.model, found.adapter, shown) == ("model", "night-1", [])


def test_tokens_are_those_of_who_was_heard_first():
    found, _ = direct(*rounds("no such words at all", "90"))
    assert found.usage is not None
    assert found.usage.completion_tokens == 5


def test_what_follows_a_direct_answer_is_not_shown():
    found, shown = direct([voice("90 days\n\nLeave is 90", "model")])
    assert (found.verdict.text, shown) == ("90 days", ["90 days"])
