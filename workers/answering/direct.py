"""The direct answer: the first sentence that may be shown, of who speaks first, else of who speaks second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from answerloop.domain import BASE_ADAPTER, Usage
from workers.answering import prompt
from workers.answering.generate import Speech, Voice, speak
from workers.answering.guard import Verdict

NOT_SAID = "the adapter finds no answer, but retrieval is sure that there is one"


@dataclass(frozen=True, slots=True)
class Direct:
    """`verdict` has no carrier where nothing may be shown. `model` said it. `adapter` is the one that was heard first,
    whoever speaks then: it is judged by all that people get from it. `gave_up`: it finds no answer in the evidence, and
    retrieval was not sure of one either; one of the two alone is a weak witness (benchmarks/LOG.md)."""

    verdict: Verdict
    model: str
    adapter: str
    usage: Usage | None
    reasons: tuple[str, ...] = ()
    gave_up: bool = False


def say(
    rounds: Sequence[Sequence[Voice]],
    check: Callable[[str], Verdict],
    is_sure: bool,
    show: Callable[[Verdict], None],
) -> Direct:
    """The first of a round speaks, and the next one where that fails. A later round begins only where nothing of the
    earlier ones may be shown. `check` is the guard; `is_sure` says of retrieval that there is an answer."""
    first, passed, model, adapter, reasons = Speech(), Verdict(), "", "", list[str]()
    for number, voices in enumerate(rounds):
        speech = speak(voices)
        first = first if number else speech
        for sentence in speech.sentences:
            if not passed.carrier and speech.adapter != BASE_ADAPTER and prompt.says_nothing(sentence):
                if not is_sure:
                    return _gave_up(speech)
                reasons.append(NOT_SAID)
                continue
            verdict = check(sentence)
            reasons.append(verdict.reason)
            if verdict.carrier and not passed.carrier:
                passed, model, adapter = verdict, speech.model, first.adapter  # who takes over only says the rest
                show(passed)
        reasons.append(speech.failure)
        if passed.carrier:
            break
    if not passed.carrier:
        model, adapter = first.model, first.adapter
    return Direct(passed, model, adapter, first.usage, tuple(dict.fromkeys(filter(None, reasons))))


def _gave_up(speech: Speech) -> Direct:
    for _ in speech.sentences:  # to the end, for its usage
        pass
    return Direct(Verdict(), speech.model, speech.adapter, speech.usage, gave_up=True)
