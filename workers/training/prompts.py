"""A draft with the prompt that it would be asked with, by the very code that serves, and the reply to learn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

from answerloop.domain import EVERYONE, PUBLIC, Audience, Hit, Message, Passage, Sentence, Vector
from answerloop.metrics import normalise
from answerloop.ports import Generator, Redactor
from answerloop.text import plain
from workers.answering import prompt
from workers.answering.guard import Guard
from workers.answering.merge import merge_adjacent
from workers.answering.retrieve import Retrieved, Retriever
from workers.answering.select import select_sentences
from workers.training.drafts import PERSONAL, Draft, personal
from workers.training.target import Run, best_run

AS_GOOD = 0.05
"""A run of the sentences that serving would show is taken before one that says it so little better."""
NOT_FOUND = "its documents are not found for the question"
NOT_SAID = "no words of its documents say what was approved"
NOT_FITTING = "the sentence that answers does not fit the model's window"
REFUSED = "the guard would refuse the reply"
NOTHING_FOUND = "nothing is found for the question, so no model is asked"
NO_NEGATIVE = "without its documents nothing is left to show"


@dataclass(frozen=True, slots=True)
class Serving:
    """The parts of serving that make a prompt and judge a reply. Of the generator its window alone is asked."""

    retriever: Retriever
    generator: Generator
    guard: Guard
    redactor: Redactor
    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What is found for a question, before passages are made of it."""

    draft: Draft
    query: str
    vector: Vector
    ranked: tuple[tuple[Hit, float], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt and the reply to it; `shown` are the documents in the prompt. `problem`: why it is not learned."""

    messages: tuple[Message, ...] = ()
    completion: str = ""
    shown: frozenset[str] = frozenset()
    problem: str = ""


def everybody(tenant: str) -> Audience:
    """Whoever an adapter speaks to: it learns and is shown what all of them may read, and nothing else."""
    return Audience.of_person(tenant, {EVERYONE, PUBLIC})


def look(draft: Draft, tenant: str, serving: Serving) -> Looked:
    """Raises IndexUnavailable, DatabaseUnavailable."""
    query, vector = serving.retriever.understand(draft.question, ())
    ranked = serving.retriever.rank(query, vector, everybody(tenant))
    return Looked(draft, query, vector, tuple(ranked))


# --- a question with its answer --------------------------------------------------------------------------------------


def answered(looked: Looked, tenant: str, serving: Serving) -> Asked:
    """What is found, with the sentence that answers among it. Where serving would not show that sentence, it takes the
    place of the worst one; the others stay, as the passages that are near and wrong."""
    draft = looked.draft
    found = serving.retriever.gathered(looked.query, looked.vector, looked.ranked, tenant)
    passages, evidence, run = _with_answer(looked, found)
    if run is None:
        return Asked(problem=NOT_SAID if _hits_of(looked) else NOT_FOUND)
    messages, fitted = prompt.build(
        draft.question, evidence, passages, serving.generator, serving.max_new_tokens
    )  # fmt: skip
    if run.sentence not in fitted:
        return Asked(problem=NOT_FITTING)
    if serving.guard.check(run.text, draft.question, fitted).carrier is None:
        return Asked(completion=run.text, problem=REFUSED)
    if personal(run.text, serving.redactor):
        return Asked(problem=PERSONAL)
    return Asked(tuple(messages), run.text, _shown(fitted, passages))


def _with_answer(
    looked: Looked, found: Retrieved
) -> tuple[Sequence[Passage], tuple[Sentence, ...], Run | None]:  # fmt: skip
    draft, passages = looked.draft, list(found.passages)
    top = found.evidence[: prompt.EVIDENCE_SENTENCES]

    def right(sentences: Sequence[Sentence]) -> list[Sentence]:
        return [each for each in sentences if passages[each.passage - 1].document_id in draft.documents]

    served = best_run(draft.text, draft.question, right(top))
    other = best_run(draft.text, draft.question, right(found.evidence[len(top) :]))
    passage, hidden = _not_found(looked, passages)
    buried = best_run(draft.text, draft.question, hidden)
    best = max((run for run in (other, buried) if run is not None), key=lambda run: run.fit, default=None)
    if best is None or (served is not None and served.fit >= best.fit - AS_GOOD):
        return passages, top, served
    kept = top[: prompt.EVIDENCE_SENTENCES - 1]
    if passage is not None and best is buried:
        place = _place(passages, kept)
        passages[place:] = [passage, *passages[place + 1 :]]
        best = replace(best, sentence=replace(best.sentence, passage=place + 1))
    return passages, (*kept, best.sentence), best


def _place(passages: Sequence[Passage], kept: Sequence[Sentence]) -> int:
    """Of the worst passage from which nothing is shown; behind all of them where there is none."""
    used = {sentence.passage - 1 for sentence in kept}
    return next((at for at in reversed(range(len(passages))) if at not in used), len(passages))


def _hits_of(looked: Looked) -> list[tuple[Hit, float]]:
    return [pair for pair in looked.ranked if pair[0].chunk.document_id in looked.draft.documents]


def _not_found(looked: Looked, passages: Sequence[Passage]) -> tuple[Passage | None, Sequence[Sentence]]:
    """The best passage of the right documents that is not among those found, and its sentences."""
    shown = {sentence for passage in passages for sentence in passage.sentences}
    hits = [pair for pair in _hits_of(looked) if not shown & set(pair[0].chunk.sentences)]
    best: tuple[Passage, Run, Sequence[Sentence]] | None = None
    for hit, score in hits:
        [passage] = merge_adjacent([hit], [score])
        sentences = select_sentences(looked.query, looked.vector, [passage], [hit])
        run = best_run(looked.draft.text, looked.draft.question, sentences)
        if run is not None and (best is None or run.fit > best[1].fit):
            best = passage, run, sentences
    return (best[0], best[2]) if best else (None, ())


# --- a question without one ------------------------------------------------------------------------------------------


def unanswered(looked: Looked, tenant: str, serving: Serving) -> Asked:
    """People agree that the documents do not answer it: what is found, and that it says nothing."""
    found = serving.retriever.gathered(looked.query, looked.vector, looked.ranked, tenant)
    return _abstaining(looked.draft.question, found.evidence, found.passages, serving, NOTHING_FOUND)


def without_its_documents(looked: Looked, completion: str, tenant: str, serving: Serving) -> Asked:
    """The same question to the next best passages, none of which holds the answer."""
    ranked = [pair for pair in looked.ranked if pair[0].chunk.document_id not in looked.draft.documents]
    found = serving.retriever.gathered(looked.query, looked.vector, ranked, tenant)
    said = f" {normalise(completion)} "
    evidence = [each for each in found.evidence if said not in f" {normalise(plain(each.text))} "]
    return _abstaining(looked.draft.question, evidence, found.passages, serving, NO_NEGATIVE)


def _abstaining(
    question: str, evidence: Sequence[Sentence], passages: Sequence[Passage], serving: Serving, problem: str
) -> Asked:
    if not evidence:
        return Asked(problem=problem)
    messages, fitted = prompt.build(question, evidence, passages, serving.generator, serving.max_new_tokens)
    return Asked(tuple(messages), prompt.NOTHING, _shown(fitted, passages))


def _shown(fitted: Collection[Sentence], passages: Sequence[Passage]) -> frozenset[str]:
    return frozenset(passages[each.passage - 1].document_id for each in fitted)


# --- the form --------------------------------------------------------------------------------------------------------


def form_hash(serving: Serving) -> str:
    """Changes with the form of the prompt: an adapter learns one form."""
    passage = Passage("d", "c", "Title", (), "Text.", 0, 5, None, None, 1.0, 1.0, 1.0)
    sentence = Sentence("Text.", 1, 1.0, 1.0)
    messages, _ = prompt.build("Question?", [sentence], [passage], serving.generator, serving.max_new_tokens)
    form = [*(asdict(message) for message in messages), prompt.NOTHING, prompt.EVIDENCE_SENTENCES]
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()
