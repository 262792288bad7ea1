"""The flow of an answer: triage → curated → retrieve → answerable → prompt → generate → guard → deliver."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from answerloop.domain import (
    BASE_ADAPTER,
    Action,
    AnswerDraft,
    Audience,
    CitedSource,
    Concern,
    Confidence,
    Decision,
    Outcome,
    Passage,
    Sentence,
    Stage,
    Turn,
    Usage,
)
from answerloop.metrics import without_citations
from answerloop.observability import ENDPOINT_ANSWERS, STEP_SECONDS
from answerloop.ports import GenerationRequest, Generator
from workers.answering import answerable, guard, language, prompt
from workers.answering.audience import Rights
from workers.answering.curated import CuratedAnswers
from workers.answering.direct import say
from workers.answering.generate import Voice
from workers.answering.guard import Guard, Verdict
from workers.answering.outside import Endpoint
from workers.answering.retrieve import Retrieved, Retriever
from workers.answering.safety import Finding, Triage
from workers.answering.speakers import Speaker, SpeakerFor

NOT_ANSWERED = "I don't know: none of the documents I may use for you answers this. The nearest ones are listed below."
OFF_TOPIC = "off topic"
LEFT, STAYED = "the prompt left the house", "the prompt stayed in the house"
ESTIMATED = "tokens and cost are estimated: the endpoint did not count"
MOST_QUOTES = 3
CONSIDERED = 6
"""Sentences that may follow the direct answer, and how many of the best are tried for their length."""
NEARLY_AS_GOOD = 0.7
"""Share of the best sentence's score below which another one would only fill the room."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with everything that its answer depends on. `asker_audience` is the asker alone, where others will
    read the answer too. `sources` are the only ones to look at, by location; none: all. In a `conversation` (its id)
    one and the same speaker is heard."""

    text: str
    history: tuple[Turn, ...]
    audience: Audience
    asker_audience: Audience | None = None
    sources: tuple[str, ...] = ()
    conversation: str = ""


class Show(Protocol):
    """Shows people a step: the stage, the sources found so far, and text that has passed the guard."""

    def __call__(self, stage: Stage, text: str = "", sources: Sequence[CitedSource] | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings say about answers."""

    answer_threshold: float
    sure_threshold: float
    max_new_tokens: int
    deadline_seconds: float


class Pipeline:
    """Answers questions. Holds no state of a question: safe to use from many threads."""

    def __init__(
        self,
        retriever: Retriever,
        speaker_for: SpeakerFor,
        fallback: Generator,
        guard: Guard,
        limits: Limits,
        triage: Triage,
        curated: CuratedAnswers | None = None,
        endpoint: Endpoint | None = None,
        inside: Generator | None = None,
    ) -> None:
        """`endpoint` is asked first, where it may be; `inside` speaks where whoever else should is out of reach, and
        `fallback` quotes where nobody can."""
        self._retriever = retriever
        self._speaker_for = speaker_for
        self._fallback = fallback
        self._guard = guard
        self._limits = limits
        self._rights = Rights(retriever, limits.answer_threshold, limits.sure_threshold)
        self._triage = triage
        self._curated = curated
        self._endpoint = endpoint
        self._inside = inside

    def answer(self, asked: Asked, show: Show) -> AnswerDraft:
        """Raises IndexUnavailable, DatabaseUnavailable, and what `show` raises; never fails for the model's sake."""
        clock = Clock()
        deadline = time.monotonic() + self._limits.deadline_seconds
        foreign = language.other_than_english(asked.text)
        if foreign:
            return self._abstain(
                f"I can only answer questions in English; yours looks like {foreign}.", "language", clock
            )
        with clock.step("triage"):
            finding = self._triage.look_at(asked.text)
        if finding and finding.reply:
            return self._refuse(finding, clock)
        with clock.step("curated"):
            approved = self._curated.find(asked) if self._curated else None
        if approved is not None:
            return _with_footnote(replace(approved, timings_ms=clock.finished()), finding)
        show(Stage.SEARCHING)
        with clock.step("retrieve"):
            found = self._retriever.retrieve(asked.text, asked.history, asked.audience, asked.sources)
        with clock.step("answerable"):
            features = answerable.features(found)
            probability = answerable.probability(features)
        scores = {"answerable": probability, **asdict(features)}
        confidence = answerable.confidence(probability, self._limits.answer_threshold, self._limits.sure_threshold)
        with clock.step("rights"):
            hint = self._rights.hint(asked.text, asked.history, asked.audience, asked.asker_audience, confidence)
        if confidence is Confidence.DONT_KNOW or not found.evidence:
            text = NOT_ANSWERED if found.passages else self._rights.nothing_found(asked.audience, asked.asker_audience)
            draft = self._abstain(text, "nothing found that answers it", clock, found, scores)
        else:
            show(Stage.READING, sources=_sources(found.passages, frozenset()))
            draft = self._phrase(asked, found, confidence, scores, clock, deadline, show)
        return replace(_with_footnote(draft, finding), hint=hint)

    def _phrase(
        self,
        asked: Asked,
        found: Retrieved,
        confidence: Confidence,
        scores: dict[str, float],
        clock: Clock,
        deadline: float,
        show: Show,
    ) -> AnswerDraft:
        """A short direct answer where the guard lets one pass, then the sentence that carries it."""
        with clock.step("prompt"):
            rounds, notes = self._rounds(asked, found, deadline)
        evidence = max((voice.request.evidence for voices in rounds for voice in voices), key=len)

        def show_direct(passed: Verdict) -> None:
            cited = frozenset({passed.carrier.passage}) if passed.carrier else frozenset[int]()
            show(Stage.WRITING, passed.text, _sources(found.passages, cited))

        with clock.step("generate"):
            direct = say(
                rounds,
                lambda sentence: self._guard.check(sentence, asked.text, evidence),
                confidence is Confidence.SURE,
                show_direct,
            )
        usage = direct.usage or Usage(BASE_ADAPTER, 0, 0)
        if direct.gave_up:
            draft = self._abstain(NOT_ANSWERED, "the adapter finds no answer", clock, found, scores)
            return replace(draft, model=direct.model, usage=usage)
        passed = direct.verdict
        with clock.step("guard"):
            text, cited = _compose(passed.text, passed.carrier or evidence[0], found.evidence)
        if usage.estimated:
            notes.append(ESTIMATED)
        return AnswerDraft(
            text=text,
            outcome=Outcome.ANSWERED,
            confidence=confidence,
            sources=_sources(found.passages, cited),
            model=direct.model,
            usage=replace(usage, adapter=direct.adapter),
            index_version=found.index_version,
            timings_ms=clock.finished(),
            scores=scores | ({"grounded": passed.grounded} if passed.carrier else {}),
            reason="; ".join(direct.reasons),
            decision=Decision(Action.ANSWERED if passed.carrier else Action.QUOTED, "evidence", (*found.notes, *notes)),
        )

    def _rounds(self, asked: Asked, found: Retrieved, deadline: float) -> tuple[list[list[Voice]], list[str]]:
        """Who may speak, in order, each with its own prompt; and what whoever reviews the answer should know of it."""
        speaker, voices, notes = self._speaker_for(asked), list[Voice](), list[str]()
        if self._endpoint is not None:
            voice = self._voice(asked, found, deadline, Speaker(self._endpoint.generator))
            if self._endpoint.door is None:
                voices.append(voice)
            else:
                ruling = self._endpoint.door(asked, voice.request.messages, voice.request.evidence, found.passages)
                notes.append(f"{LEFT if ruling.may_leave else STAYED}: {ruling.because}")
                if not ruling.may_leave:
                    ENDPOINT_ANSWERS.labels(outcome="stayed in the house").inc()
                else:
                    voices.append(replace(voice, request=replace(voice.request, may_leave=True)))
        voices.append(self._voice(asked, found, deadline, speaker))
        alone = replace(voices[-1].request, adapter=BASE_ADAPTER)
        rest = [Voice(generator, alone) for generator in (self._inside, self._fallback) if generator is not None]
        if speaker.second is None:
            return [[*voices, *rest]], notes
        rest.insert(0, self._voice(asked, found, deadline, Speaker(speaker.second)))
        return [[*voices, *rest], rest], notes

    def _voice(self, asked: Asked, found: Retrieved, deadline: float, speaker: Speaker) -> Voice:
        most = self._limits.max_new_tokens
        messages, evidence = prompt.build(
            asked.text, found.evidence, found.passages, speaker.generator, most, speaker.examples
        )
        request = GenerationRequest(messages, asked.text, evidence, most, deadline, speaker.adapter)
        return Voice(speaker.generator, request)

    def _abstain(
        self,
        text: str,
        reason: str,
        clock: Clock,
        found: Retrieved | None = None,
        scores: dict[str, float] | None = None,
    ) -> AnswerDraft:
        return AnswerDraft(
            text=text,
            outcome=Outcome.ABSTAINED,
            confidence=Confidence.DONT_KNOW,
            sources=_sources(found.passages[:3], frozenset()) if found else (),
            model="none",
            usage=Usage(BASE_ADAPTER, 0, 0),
            index_version=found.index_version if found else "",
            timings_ms=clock.finished(),
            scores=scores or {},
            reason=reason,
            decision=Decision(Action.ABSTAINED, reason, found.notes if found else ()),
        )

    def _refuse(self, finding: Finding, clock: Clock) -> AnswerDraft:
        rule = OFF_TOPIC if finding.concern is Concern.SMALL_TALK else f"unsafe: {finding.concern}"
        decision = Decision(Action.REFUSED, rule, (finding.because,))
        return replace(self._abstain(finding.reply, rule, clock), decision=decision)


def _with_footnote(draft: AnswerDraft, finding: Finding | None) -> AnswerDraft:
    if finding is None:
        return draft
    notes = (*draft.decision.notes, f"{finding.concern}: contact added")
    decision = replace(draft.decision, notes=notes)
    return replace(draft, text=f"{draft.text}\n\n{finding.footnote}", decision=decision)


def _compose(direct: str, carrier: Sentence, evidence: Sequence[Sentence]) -> tuple[str, frozenset[int]]:
    """The direct answer, the sentence that carries it and, where there is room, the next best ones: three sentences
    hold the answer far more often than one (benchmarks/LOG.md). Also the numbers of the cited passages."""
    quotes, cited = [guard.quote(carrier)], {carrier.passage}
    lead = direct if direct and not guard.is_said_by(direct, quotes[0]) else ""
    for sentence in evidence[:CONSIDERED]:
        longer = [*quotes, guard.quote(sentence)]
        fits = len(without_citations(" ".join((lead, *longer))).split()) <= guard.MAX_WORDS
        good = sentence.text != carrier.text and sentence.score >= NEARLY_AS_GOOD * evidence[0].score
        if good and fits and len(quotes) < MOST_QUOTES:
            quotes.append(longer[-1])
            cited.add(sentence.passage)
    text = "\n\n".join(filter(None, [f"**{lead}**" if lead else "", "\n".join(quotes)]))
    return text, frozenset(cited)


def _sources(passages: Sequence[Passage], cited: frozenset[int]) -> tuple[CitedSource, ...]:
    return tuple(CitedSource(number, passage, number in cited) for number, passage in enumerate(passages, start=1))


class Clock:
    """Milliseconds of each step, and of the whole."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._steps: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - begun
            STEP_SECONDS.labels(step=name).observe(seconds)
            self._steps[name] = round(seconds * 1000, 2)

    def finished(self) -> dict[str, float]:
        return {**self._steps, "total": round((time.perf_counter() - self._started) * 1000, 2)}
