"""The rows to learn: one of those that say the same, not too many of one person, some that say nothing, replay."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from answerloop.domain import Passage, Sentence
from answerloop.metrics import normalise
from workers.answering import prompt
from workers.training.drafts import WEIGHT_TWICE, Draft, LeftOut
from workers.training.families import duplicates
from workers.training.people import capped
from workers.training.prompts import Asked, Looked, Serving, answered, unanswered, without_its_documents
from workers.training.rows import Kind, TrainingRow
from workers.training.split import order

ABSTENTION_SHARE = 0.15
"""Of all rows but replay. With a quarter the default model was right on 11 of 40 questions instead of 20: it had
learned to say nothing."""
REPLAY_SHARE = 0.2
"""Of the other rows, at most."""
REPLAY_WEIGHT = 0.5
REPLAY = Path(__file__).with_name("replay.jsonl")
SAID_ALREADY = "another row says the same"
ENOUGH_ABSTENTIONS = "enough rows say nothing already"


@dataclass(frozen=True, slots=True)
class Learned:
    """A row, what it was made of, and the documents that stand in its prompt. Replay has no draft."""

    row: TrainingRow
    draft: Draft | None
    shown: frozenset[str]


def learned(
    looked: Sequence[Looked], family: Mapping[str, str], tenant: str, serving: Serving, left_out: LeftOut
) -> list[Learned]:
    """The rows of these drafts, without abstentions that are made and without replay; by id."""
    pairs: list[tuple[Looked, Asked]] = []
    for each in looked:
        asked = (answered if each.draft.text else unanswered)(each, tenant, serving)
        if asked.problem:
            left_out(asked.problem)
        else:
            pairs.append((each, asked))
    single = _without_duplicates(pairs, left_out)
    kept = {draft.id for draft in capped([each.draft for each, _ in single], left_out)}
    return sorted(
        (_row(each.draft, asked, family) for each, asked in single if each.draft.id in kept), key=lambda one: one.row.id
    )


def _row(draft: Draft, asked: Asked, family: Mapping[str, str]) -> Learned:
    row = TrainingRow(
        id=draft.id,
        kind=draft.kind,
        messages=asked.messages,
        completion=asked.completion,
        weight=draft.weight,
        family=family[draft.id],
        answer_id=draft.answer_id,
        documents=draft.documents,
    )
    return Learned(row, draft, asked.shown)


def _without_duplicates(pairs: Sequence[tuple[Looked, Asked]], left_out: LeftOut) -> list[tuple[Looked, Asked]]:
    """The most trusted one of each, the earliest of those; it counts as much as all who stand by it."""
    best: dict[tuple[int, str], tuple[Looked, Asked]] = {}
    numbers = duplicates([each.draft.question for each, _ in pairs])
    for number, (each, asked) in zip(numbers, pairs, strict=True):
        key = (number, normalise(asked.completion))
        other = best.get(key)
        if other is not None:
            left_out(SAID_ALREADY)
        best[key] = (each, asked) if other is None else _agreeing(other, (each, asked))
    return list(best.values())


def _agreeing(one: tuple[Looked, Asked], other: tuple[Looked, Asked]) -> tuple[Looked, Asked]:
    looked, asked = other if other[0].draft.weight > one[0].draft.weight else one
    approvers = tuple(dict.fromkeys((*one[0].draft.approvers, *other[0].draft.approvers)))
    weight = WEIGHT_TWICE if len(approvers) > 1 else looked.draft.weight
    return replace(looked, draft=replace(looked.draft, approvers=approvers, weight=weight)), asked


# --- saying nothing --------------------------------------------------------------------------------------------------


def with_abstentions(
    rows: Sequence[Learned], looked: Mapping[str, Looked], tenant: str, serving: Serving, left_out: LeftOut
) -> list[Learned]:
    """What people judged first; then questions of other rows whose documents are not shown. By id."""
    answers = [each for each in rows if each.row.kind is not Kind.ABSTENTION]
    judged = sorted((each for each in rows if each.row.kind is Kind.ABSTENTION), key=lambda each: order(each.row.id))
    wanted = round(len(answers) * ABSTENTION_SHARE / (1 - ABSTENTION_SHARE))
    left_out(ENOUGH_ABSTENTIONS, max(0, len(judged) - wanted))
    found = judged[:wanted]
    for each in sorted(answers, key=lambda each: order(f"abstention:{each.row.id}")):
        if len(found) >= wanted:
            break
        made = without_its_documents(looked[each.row.id], each.row.completion, tenant, serving)
        if not made.problem:
            found.append(_abstention(each, made))
    return sorted([*answers, *found], key=lambda each: each.row.id)


def _abstention(each: Learned, made: Asked) -> Learned:
    name = hashlib.sha256(f"{Kind.ABSTENTION}\0{each.row.id}".encode()).hexdigest()[:32]
    row = replace(each.row, id=name, kind=Kind.ABSTENTION, messages=made.messages, completion=made.completion)
    return Learned(row, each.draft, made.shown)


# --- replay ----------------------------------------------------------------------------------------------------------


def replay(many: int, serving: Serving) -> list[Learned]:
    """General rows beside so many others, by id: what the model could do before, it should still be able to do."""
    rows = [json.loads(line) for line in REPLAY.read_text(encoding="utf-8").splitlines()]
    drawn = sorted(rows, key=lambda row: order(row["question"]))[: int(many * REPLAY_SHARE)]
    return sorted((_replayed(row, serving) for row in drawn), key=lambda each: each.row.id)


def _replayed(row: Mapping[str, object], serving: Serving) -> Learned:
    lines = [(str(title), str(text)) for title, text in row["evidence"]]  # type: ignore[attr-defined]
    passages = [
        Passage(title, title, title, (), text, 0, len(text), None, None, 1.0, 1.0, 1.0) for title, text in lines
    ]  # fmt: skip
    evidence = [Sentence(text, number, 1.0, 1.0) for number, (_, text) in enumerate(lines, start=1)]
    question, completion = str(row["question"]), str(row["answer"]) or prompt.NOTHING
    messages, _ = prompt.build(question, evidence, passages, serving.generator, serving.max_new_tokens)
    name = hashlib.sha256(f"{Kind.REPLAY}\0{question}".encode()).hexdigest()[:32]
    made = TrainingRow(name, Kind.REPLAY, tuple(messages), completion, REPLAY_WEIGHT, name, "", ())
    return Learned(made, None, frozenset())
