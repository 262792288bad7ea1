"""What stands before a model outside the house: the leave, the mask, the way back, and the circuit breaker."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerloop.backends.generator_fused import FAILURES, OPEN_SECONDS, FusedGenerator
from answerloop.backends.generator_outside import MayNotLeave, OutsideGenerator, masked
from answerloop.domain import Message, Sentence
from answerloop.errors import GeneratorUnavailable
from answerloop.placeholders import Placeholders, repeated_placeholders, restore_repeated
from answerloop.ports import GenerationRequest
from answerloop.testing.fakes import FakeClock, FakeGenerator, FakeRedactor

SENTENCE = "Travel abroad is approved by Maria Peeters (maria@corp.example)."
QUESTION = "Who approves travel of john carter?"


def request(**changes) -> GenerationRequest:
    content = f"Evidence:\n[1] Maria Peeters on travel: {SENTENCE}\n\nQuestion: {QUESTION}\nAnswer:"
    evidence = (Sentence(SENTENCE, 1, 0.9, 0.9),)
    messages = [Message("system", "Answer briefly."), Message("user", content)]
    asked = GenerationRequest(messages, QUESTION, evidence, 16, time.monotonic() + 10, may_leave=True)
    return replace(asked, **changes)


def says(text: str) -> FakeGenerator:
    return FakeGenerator(lambda _: text)


def outside(model: FakeGenerator, redactor: FakeRedactor | None = None) -> OutsideGenerator:
    return OutsideGenerator(model, redactor or FakeRedactor("Maria Peeters", "John Carter"))


def test_the_model_sees_placeholders_and_the_reader_sees_names():
    model = says("<PERSON_1>")
    completion = outside(model).generate(request())
    spoken = "".join(completion)
    [sent] = model.requests
    everything = repr(sent)
    for personal in ("Maria", "Peeters", "maria@corp.example", "carter"):
        assert personal not in everything
    assert "<PERSON_1>" in sent.messages[1].content
    assert (sent.question, list(sent.evidence)) == ("", [])
    assert spoken in ("Maria Peeters", "john carter")
    assert completion.usage is not None


def test_what_is_overlooked_in_one_place_is_masked_there_too():
    class InSentencesAlone(FakeRedactor):
        def mask(self, text, known):
            return super().mask(text, known) if not text.startswith("[1]") else FakeRedactor().mask(text, known)

    messages, known = masked(request(), InSentencesAlone("Maria Peeters"))
    assert "Maria" not in messages[1].content
    assert known.restore(messages[1].content) == request().messages[1].content


@pytest.mark.parametrize(
    "broken",
    [
        "IBAN DE89 3704 0044\n0532 0130 00",
        "IBAN DE89\n3704 0044 0532\n0130 00",
        "Ask Anna-\nLena Schmitt",
        "Ask Anna-Lena\n  Schmitt",
        "Call (212)\n555-0187",
        "Call 212-555-\n0187",
    ],
)
@pytest.mark.parametrize("where", ["question", "evidence"])
def test_what_is_broken_over_lines_goes_whole(broken, where):
    text = f"{broken}, please, <PERSON_4>."
    asked = request(question=text) if where == "question" else request(evidence=(Sentence(text, 1, 0.9, 0.9),))
    asked = replace(asked, messages=[Message("user", f"Evidence:\n[1] {text}\nQuestion: {broken}?\nAnswer:")])
    [message], known = masked(asked, FakeRedactor("Anna-Lena Schmitt"))
    for part in ("DE89", "3704", "0044", "0532", "0130", "Anna", "Lena", "Schmitt", "212", "555", "0187"):
        assert part not in message.content
    assert message.content.endswith("?\nAnswer:")
    assert "<PERSON_4>" in "".join(restore_repeated([message.content], known)), "it was no placeholder of ours"


def test_without_leave_nothing_is_sent():
    model = says("x")
    with pytest.raises(MayNotLeave):
        list(outside(model).generate(request(may_leave=False)))
    assert model.requests == []


@pytest.mark.parametrize("failure", [RuntimeError("out of memory"), ValueError("Maria"), MemoryError()])
def test_when_masking_fails_nothing_is_sent_and_nothing_is_quoted(failure, caplog):
    model = says("x")
    with pytest.raises(MayNotLeave) as caught:
        list(outside(model, FakeRedactor(failure=failure)).generate(request()))
    assert model.requests == []
    assert "Maria" not in str(caught.value) + caplog.text


# --- the way back

KNOWN = Placeholders({"<PERSON_1>": "Maria Peeters", "<PERSON_12>": "Ann Lee", "<EMAIL_ADDRESS_1>": "m@corp.example"})


@pytest.mark.parametrize(
    ("spoken", "restored"),
    [
        ("ask <PERSON_1>.", "ask Maria Peeters."),
        ("ask <person_12>", "ask Ann Lee"),
        ("ask [PERSON_1]", "ask Maria Peeters"),
        ("ask PERSON_1, please", "ask Maria Peeters, please"),
        ("ask <PERSON 1> at < EMAIL_ADDRESS_1 >", "ask Maria Peeters at m@corp.example"),
        ("ask <PERSON_9>", "ask <PERSON_9>"),
        ("ask person_9", "ask <PERSON_9>"),
        ("person 1 of the list, [1] and (2)", "person 1 of the list, [1] and (2)"),
        ("<b>1 < 2</b>", "<b>1 < 2</b>"),
    ],
)
def test_placeholders_come_back_however_the_model_spells_them(spoken, restored):
    assert "".join(restore_repeated([spoken], KNOWN)) == restored


@given(
    st.lists(
        st.sampled_from(
            ["<PERSON_1>", "PERSON_12", "[person_1]", "< EMAIL_ADDRESS_1 >", "<PERSON_7>", " ", "<", "1", "a_"]
        )
        | st.text(alphabet="<>[]() _1PERSONab", max_size=6),
        max_size=8,
    ),
    st.data(),
)
def test_wherever_the_stream_is_cut_the_same_comes_out(parts, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(restore_repeated(pieces, KNOWN)) == "".join(restore_repeated([text], KNOWN))


def test_a_made_up_placeholder_is_seen():
    assert repeated_placeholders("ask person_9 or <PERSON_1>") == {"<PERSON_9>", "<PERSON_1>"}
    assert repeated_placeholders("The url 1 and person 2.") == frozenset()


# --- the circuit breaker


class Fuse:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.down = True
        self.alarms: list[str] = []
        self.model = FakeGenerator(lambda _: GeneratorUnavailable("down") if self.down else "90 days")
        self.fused = FusedGenerator(self.model, self.alarms.append, self.alarms.clear, self.clock)

    def ask(self) -> str:
        try:
            return "".join(self.fused.generate(request()))
        except GeneratorUnavailable:
            return ""


def test_a_dead_model_is_not_asked_again_for_a_while_and_an_alarm_rings_once():
    fuse = Fuse()
    for _ in range(FAILURES + 10):
        assert fuse.ask() == ""
    assert len(fuse.model.requests) == FAILURES
    assert fuse.alarms == ["down"]


def test_after_the_while_one_question_tries_and_when_it_succeeds_all_do():
    fuse = Fuse()
    for _ in range(FAILURES):
        fuse.ask()
    fuse.clock.now += OPEN_SECONDS
    fuse.ask()
    fuse.ask()
    assert len(fuse.model.requests) == FAILURES + 1
    fuse.clock.now += OPEN_SECONDS
    fuse.down = False
    assert fuse.ask() == fuse.ask() == "90 days"
    assert fuse.alarms == []


def test_failures_count_in_a_row_alone():
    fuse = Fuse()
    for down in (True, True, False, True, True):
        fuse.down = down
        fuse.ask()
    assert len(fuse.model.requests) == 5
    assert fuse.alarms == []
