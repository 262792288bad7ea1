"""The ladder: every arm answers the same questions through the whole pipeline of serving. One failure fails it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from answerloop import metrics
from answerloop.domain import AnswerDraft, Audience, CitedSource, Message, Outcome, Stage, Turn
from answerloop.errors import NightFailed, Retryable
from workers.answering.pipeline import Asked, Pipeline
from workers.answering.retrieve import Retrieved, Retriever
from workers.answering.speakers import Speaker
from workers.evaluation.judge import direct_line, judge
from workers.evaluation.questions import TestQuestion
from workers.evaluation.summary import mean, share
from workers.training.arms import Arm, ArmName, Item
from workers.training.manners import AT_ONCE
from workers.training.nightly import Report
from workers.training.rows import Kind, TrainingRow
from workers.training.suites import Suites

SHOTS = 3
MOST_EXAMPLES = 8

PipelineOf: TypeAlias = Callable[[Speaker], Pipeline]


@dataclass(frozen=True, slots=True)
class Contestant:
    """An arm before it has said anything. `perplexity` is of neutral text; none without a language model."""

    name: ArmName
    speaker: Speaker
    perplexity: float | None = None


class Remembering(Retriever):
    """Finds the same evidence for every arm, whatever is indexed meanwhile."""

    def __init__(self, retriever: Retriever) -> None:
        vars(self).update(vars(retriever))
        self._found: dict[Any, Retrieved] = {}

    def retrieve(
        self, question: str, history: Sequence[Turn], audience: Audience, sources: Collection[str] = ()
    ) -> Retrieved:
        key = (question, tuple(history), audience, tuple(sources))
        if key not in self._found:
            self._found[key] = super().retrieve(question, history, audience, sources)
        return self._found[key]


class Ladder:
    """`pipeline_of` builds the pipeline of serving around a speaker, without curated answers: those would give away
    what the questions ask. `keys` are the names by which questions call documents, by our ids."""

    def __init__(
        self,
        pipeline_of: PipelineOf,
        suites: Suites,
        keys: Mapping[str, str],
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        """`breathe` is called before every question, and may wait as long as people wait for their answers."""
        self._pipeline_of = pipeline_of
        self._breathe = breathe
        self._suites = suites
        self._keys = keys

    def climb(self, contestants: Sequence[Contestant], questions: Sequence[TestQuestion], report: Report) -> list[Arm]:
        """An arm for each. Raises NightFailed, which names the question and the arm."""
        arms = []
        for at, contestant in enumerate(contestants):
            report(at, len(contestants), contestant.name)
            arms.append(self._arm(contestant, questions))
        return arms

    def _arm(self, contestant: Contestant, questions: Sequence[TestQuestion]) -> Arm:
        pipeline = self._pipeline_of(contestant.speaker)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = pool.map(lambda row: self._item(contestant, pipeline, row), questions)
            items = tuple(asked)
            trial = self._suites.judge(contestant.speaker, partial(self._answered, contestant), pool.map)
        cases = (trial.unsafe, trial.unsafe_asked, trial.obeyed, trial.injected)
        return Arm(contestant.name, items, *cases, contestant.perplexity)

    def _item(self, contestant: Contestant, pipeline: Pipeline, row: TestQuestion) -> Item:
        return as_item(row, self._answered(contestant, pipeline, row.asked, row.id), self._keys)

    def _answered(self, contestant: Contestant, pipeline: Pipeline, asked: Asked, name: str) -> AnswerDraft:
        self._breathe()
        return answered(contestant, pipeline, asked, name)


def answered(contestant: Contestant, pipeline: Pipeline, asked: Asked, name: str) -> AnswerDraft:
    """Raises NightFailed also where serving would have helped itself with a quote."""
    try:
        draft = pipeline.answer(asked, _unseen)
    except Retryable:  # another time
        raise
    except Exception as error:
        raise NightFailed(f"{contestant.name} failed at {name}: {type(error).__name__}: {error}") from error
    speaker = contestant.speaker
    heard = {each.name for each in (speaker.generator, speaker.second) if each is not None}
    by_itself = draft.model in heard and draft.usage.adapter == speaker.adapter
    if draft.outcome is Outcome.FAILED or not (by_itself or draft.model == "none"):
        raise NightFailed(f"{contestant.name} failed at {name}: {draft.reason or draft.model}")
    return draft


def as_item(row: TestQuestion, draft: AnswerDraft, keys: Mapping[str, str]) -> Item:
    said, direct = draft.outcome is Outcome.ANSWERED, direct_line(draft.text)
    judged = judge(row, draft.text, direct, not said)
    scored = said and bool(row.answers)
    cited = {keys.get(id_, id_) for source in draft.sources if source.cited for id_ in [source.passage.document_id]}
    right = cited & set(row.doc_ids)
    return Item(
        question_id=row.id,
        answerable=row.answerable,
        answered=said,
        correct=bool(judged["correct"]),
        f1=float(judged["f1"] or 0.0) if scored else 0.0,
        exact_match=metrics.exact_match(direct, row.answers) if scored else 0.0,
        rouge_l=metrics.rouge_l(direct, row.answers) if scored else 0.0,
        bleu=metrics.bleu([direct], [row.answers]) if scored else 0.0,
        grounded=draft.scores.get("grounded"),
        citation_precision=len(right) / len(cited) if said and cited else 0.0,
        citation_recall=len(right) / len(row.doc_ids) if said and row.doc_ids else 0.0,
        seconds=draft.timings_ms["total"] / 1000,
        direct=direct if said else "",
        text=draft.text,
        documents=tuple(sorted({source.passage.document_id for source in draft.sources if source.cited})),
    )


def shots(rows: Sequence[TrainingRow]) -> tuple[Message, ...]:
    """Worked examples for the base: the shortest rows that people have approved, which leave room for the question."""
    approved = [row for row in rows if row.kind is Kind.CORRECTION] or [
        row for row in rows if row.kind is Kind.CONFIRMED
    ]
    chosen = sorted(approved, key=lambda row: (len(row.messages[-1].content), row.id))[:SHOTS]
    return tuple(turn for row in chosen for turn in (row.messages[-1], Message("assistant", row.completion)))


# --- for people ------------------------------------------------------------------------------------------------------


def ladder(
    arms: Sequence[Arm], questions: Sequence[TestQuestion], live: ArmName, keys: Mapping[str, str]
) -> dict[str, Any]:
    """Plain JSON: the figures of every arm with their intervals, and where the candidate differs from what people hear
    today (`live`). `keys` are the names by which questions call documents, by our ids."""
    by_name = {arm.name: arm for arm in arms}
    names = Counter(keys.values())
    ids = {key: id_ for id_, key in keys.items() if names[key] == 1}
    return {
        "questions": len(questions),
        "arms": [_shown(arm, questions) for arm in arms],
        "examples": _examples(by_name[live], by_name[ArmName.CANDIDATE], questions, ids),
    }


def _shown(arm: Arm, questions: Sequence[TestQuestion]) -> dict[str, Any]:
    golds = [item for item, row in zip(arm.items, questions, strict=True) if row.answerable and row.answers]
    answers = [row.answers for row in questions if row.answerable and row.answers]
    spoke = [item for item in golds if item.answered]
    rest = [item for item in arm.items if not item.answerable]
    corpus = metrics.bleu([item.direct for item in golds], answers) if golds else 0.0
    figures: dict[str, Any] = {
        **{name: mean([getattr(item, name) for item in golds]) for name in ("f1", "exact_match", "rouge_l") if golds},
        **({"correct": share([item.correct for item in golds])} if golds else {}),
        "bleu": {"value": corpus, "low": corpus, "high": corpus, "n": len(golds)},
        **{name: mean([getattr(item, name) for item in spoke]) for name in _CITATIONS if spoke},
        "seconds": mean([item.seconds for item in arm.items]),
    }
    grounded = [item.grounded for item in arm.items if item.grounded is not None]
    if grounded:
        figures["grounded"] = mean(grounded)
    if rest:
        figures["abstained_rightly"] = share([not item.answered for item in rest])
        figures["answered_wrongly"] = share([item.answered for item in rest])
    return {
        "name": arm.name.value,
        "figures": figures,
        "unsafe": arm.unsafe,
        "unsafe_asked": arm.unsafe_asked,
        "obeyed": arm.obeyed,
        "injected": arm.injected,
        "perplexity": arm.perplexity,
    }


_CITATIONS = ("citation_precision", "citation_recall")


def _examples(
    live: Arm, candidate: Arm, questions: Sequence[TestQuestion], ids: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    pairs = sorted(
        zip(live.items, candidate.items, questions, strict=True), key=lambda pair: _worth(pair[1]) - _worth(pair[0])
    )
    worse = [pair for pair in pairs if _worth(pair[1]) < _worth(pair[0])]
    better = [pair for pair in reversed(pairs) if _worth(pair[1]) > _worth(pair[0])]
    shown = {"better": better, "worse": worse}
    return {
        name: [_side_by_side(*pair, ids) for pair in of if _known(pair[2], ids)][:MOST_EXAMPLES]
        for name, of in shown.items()
    }


def _known(row: TestQuestion, ids: Mapping[str, str]) -> bool:
    """Whether it can be told who may read what it is about."""
    return all(name in ids for name in row.doc_ids)


def _worth(item: Item) -> float:
    """What people notice first: right or wrong, then how much of the direct answer is."""
    return item.correct + item.f1 if item.answerable else 2.0 * (not item.answered)


def _side_by_side(before: Item, after: Item, row: TestQuestion, ids: Mapping[str, str]) -> dict[str, Any]:
    """`id` is the test question's, by which erasure finds it; who may not read the documents is not shown it."""
    return {
        "id": row.id,
        "documents": sorted({*(ids[name] for name in row.doc_ids), *before.documents, *after.documents}),
        "question": row.question,
        "gold": " / ".join(row.answers) or "(the documents do not say)",
        "before": before.direct or "I don't know",
        "after": after.direct or "I don't know",
    }


def _unseen(stage: Stage, text: str = "", sources: Sequence[CitedSource] | None = None) -> None:
    """Nobody looks on."""


def in_order(arms: Sequence[Arm]) -> Iterator[Arm]:
    """As the ladder is read: from the humblest to the candidate."""
    order = list(ArmName)
    yield from sorted(arms, key=lambda arm: order.index(arm.name))
