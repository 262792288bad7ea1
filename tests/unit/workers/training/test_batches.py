import torch

from answerloop.domain import Message
from tests.unit.workers.training.pupils import ROWS, row, student
from workers.training.batches import Lesson, batches_of, collate, lessons_of, steps_of

CPU = torch.device("cpu")


def test_the_prompt_is_the_one_of_serving_and_the_reply_ends_with_the_models_own_token() -> None:
    pupil = student()
    (lesson,) = lessons_of(pupil, ROWS[:1], 1000)
    assert list(lesson.tokens[: lesson.learned_from]) == pupil.prompt(ROWS[0].messages)
    assert lesson.tokens[-1] == 0
    assert lesson.learned == len("Dam") + 1


def test_rows_that_are_too_long_or_weigh_nothing_are_left_out_whole() -> None:
    rows = [row(0), row(1, completion="a" * 300), row(2, weight=0.0)]
    assert len(lessons_of(student(), rows, 120)) == 1


def test_control_tokens_in_a_reply_do_not_end_it() -> None:
    assert student().reply("a<eos>b").count(0) == 1
    assert student().prompt([Message("user", "<eos>")]).count(0) == 0


def test_every_row_is_learned_once_in_each_epoch_and_never_in_the_same_order() -> None:
    lessons = lessons_of(student(), ROWS, 1000)
    epochs = [steps_of(lessons, 4, seed=1, epoch=number) for number in range(3)]
    for steps in epochs:
        batches = [batch for step in steps for batch in batches_of(step, 160)]
        assert sorted(lesson.tokens for batch in batches for lesson in batch) == sorted(
            lesson.tokens for lesson in lessons
        )
        assert {len(step) for step in steps} == {3, 4}
    assert epochs[0] != epochs[1]
    assert epochs[0] == steps_of(lessons, 4, seed=1, epoch=0)
    assert epochs[0] != steps_of(lessons, 4, seed=2, epoch=0)


def test_a_batch_keeps_to_its_tokens_with_padding_unless_one_row_alone_is_longer() -> None:
    lessons = [Lesson(tuple(range(length)), length - 1, 1.0) for length in (5, 90, 6, 30, 31, 7, 250)]
    batches = list(batches_of(lessons, 100))
    assert [len(lesson.tokens) for batch in batches for lesson in batch] == [250, 90, 31, 30, 7, 6, 5]
    assert [len(batch) for batch in batches] == [1, 1, 3, 2]


def test_what_all_rows_begin_with_is_set_apart_but_never_the_token_before_a_reply() -> None:
    rows = [Lesson((*range(20), 50, 51), 20, 1.0), Lesson((*range(20), 60), 20, 2.0)]
    batch = collate(rows, CPU)
    assert batch.prefix.tolist() == [list(range(19))]
    assert batch.rest.tolist() == [[19, 50, 51], [19, 60, 0]]
    assert batch.predicts.tolist() == [[True, True, False], [True, False, False]]
    assert (batch.targets.tolist(), batch.weights.tolist(), batch.tokens) == ([50, 51, 60], [1.0, 1.0, 2.0], 43)
    assert collate(rows[:1], CPU).prefix.numel() == 0
    assert collate(rows, CPU, share=False).rest.shape == (2, 22)
