"""Rows as tokens, and how they are put together: random steps, and inside a step batches of rows of like length."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

import torch

from workers.training.rows import TrainingRow
from workers.training.student import Student

SHORTEST_PREFIX = 8
"""Fewer common tokens than this are not worth a pass of their own."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A row in tokens; those from `learned_from` on are the reply, and the only ones with a loss."""

    tokens: tuple[int, ...]
    learned_from: int
    weight: float

    @property
    def learned(self) -> int:
        return len(self.tokens) - self.learned_from


@dataclass(frozen=True, slots=True)
class Batch:
    """`prefix` [1, P] is what all rows begin with (P may be 0), `rest` [rows, length] what follows, padded on the
    right: no real token of a causal model can see that padding, so no mask is needed. `predicts` [rows, length] is
    true where the next token is learned; `targets` and `weights` [learned] belong to these, row by row."""

    prefix: torch.Tensor
    rest: torch.Tensor
    predicts: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    tokens: int


def lessons_of(student: Student, rows: Sequence[TrainingRow], max_tokens: int) -> list[Lesson]:
    """Without rows that are too long, since serving would not cut them either, or weigh nothing."""
    lessons = []
    for row in rows:
        prompt = student.prompt(row.messages)
        tokens = (*prompt, *student.reply(row.completion))
        if prompt and len(tokens) <= max_tokens and row.weight > 0:
            lessons.append(Lesson(tokens, len(prompt), row.weight))
    return lessons


def steps_of(lessons: Sequence[Lesson], rows_per_step: int, seed: int, epoch: int) -> list[list[Lesson]]:
    """Every lesson once, in an order that seed and epoch alone decide. Sizes differ by at most one, so that no step
    is left with a row or two to change all weights by."""
    order = list(lessons)
    random.Random(f"{seed}/{epoch}").shuffle(order)  # noqa: S311
    count = -(-len(order) // rows_per_step)
    bounds = [len(order) * number // count for number in range(count + 1)]
    return [order[start:end] for start, end in pairwise(bounds)]


def batches_of(lessons: Sequence[Lesson], tokens_per_batch: int) -> Iterator[list[Lesson]]:
    """Longest first, so that what will not fit into memory fails at once."""
    batch: list[Lesson] = []
    for lesson in sorted(lessons, key=lambda lesson: -len(lesson.tokens)):
        if batch and (len(batch) + 1) * len(batch[0].tokens) > tokens_per_batch:
            yield batch
            batch = []
        batch.append(lesson)
    if batch:
        yield batch


def collate(lessons: Sequence[Lesson], device: torch.device, *, share: bool = True) -> Batch:
    common = _common_prefix(lessons) if share and len(lessons) > 1 else 0
    longest = max(len(lesson.tokens) for lesson in lessons) - common
    rest = torch.zeros((len(lessons), longest), dtype=torch.long)
    predicts = torch.zeros((len(lessons), longest), dtype=torch.bool)
    for row, lesson in enumerate(lessons):
        rest[row, : len(lesson.tokens) - common] = torch.tensor(lesson.tokens[common:])
        predicts[row, lesson.learned_from - 1 - common : len(lesson.tokens) - 1 - common] = True
    targets = [token for lesson in lessons for token in lesson.tokens[lesson.learned_from :]]
    weights = [lesson.weight for lesson in lessons for _ in range(lesson.learned)]
    return Batch(
        torch.tensor([lessons[0].tokens[:common]], dtype=torch.long, device=device),
        rest.to(device),
        predicts.to(device),
        torch.tensor(targets, device=device),
        torch.tensor(weights, dtype=torch.float32, device=device),
        sum(len(lesson.tokens) for lesson in lessons),
    )


def _common_prefix(lessons: Sequence[Lesson]) -> int:
    """Ends before the last token of the shortest prompt: that one already predicts what is learned."""
    columns = zip(*(lesson.tokens[: lesson.learned_from - 1] for lesson in lessons), strict=False)
    common = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    return common if common >= SHORTEST_PREFIX else 0
