import math

import pytest

from benchmarks.erlang import Queue, workers_for


@pytest.mark.parametrize(
    ("load", "workers", "waits"),
    [(0.5, 1, 0.5), (1.0, 2, 1 / 3), (2.0, 3, 4 / 9), (8.0, 10, 0.4092), (10.0, 14, 0.1741)],
)
def test_the_probability_of_waiting_is_that_of_the_tables(load: float, workers: int, waits: float) -> None:
    assert Queue(load, 1.0, workers).waits == pytest.approx(waits, abs=5e-4)


@pytest.mark.parametrize(("load", "workers"), [(0.3, 4), (20.0, 22), (47.5, 50)])
def test_the_recursion_is_the_formula_as_erlang_wrote_it(load: float, workers: int) -> None:
    last = load**workers / math.factorial(workers) * workers / (workers - load)
    others = sum(load**number / math.factorial(number) for number in range(workers))
    assert Queue(load, 1.0, workers).waits == pytest.approx(last / (others + last))


def test_one_worker_is_the_queue_of_the_textbook() -> None:
    queue = Queue(rate=0.8, service=1.0, workers=1)  # M/M/1: ρ / (μ - λ)
    assert queue.mean_wait == pytest.approx(4.0)
    assert queue.waits_longer(2.0) == pytest.approx(0.8 * math.exp(-0.4))
    assert queue.wait_at(0.95) == pytest.approx(math.log(0.8 / 0.05) / 0.2)


def test_where_hardly_anybody_waits_the_wait_is_nothing() -> None:
    assert Queue(0.1, 1.0, 10).wait_at(0.95) == 0.0


def test_as_many_questions_as_can_be_answered_are_too_many() -> None:
    with pytest.raises(ValueError, match="2 workers cannot keep up"):
        Queue(rate=2.0, service=1.0, workers=2)


def test_thousands_of_workers_do_not_overflow() -> None:
    queue = Queue(rate=5_000.0, service=1.0, workers=5_100)
    assert 0 < queue.waits < 1
    assert queue.mean_wait < 0.01


def test_the_fewest_workers_are_found() -> None:
    queue = workers_for(rate=10.0, service=1.0, wait=0.5, share=0.95)
    assert queue.waits_longer(0.5) <= 0.05
    assert Queue(10.0, 1.0, queue.workers - 1).waits_longer(0.5) > 0.05


def test_a_load_of_whole_workers_gets_one_more() -> None:
    assert workers_for(rate=4.0, service=0.5, wait=1e9, share=0.5).workers == 3


def test_a_share_of_everybody_is_refused() -> None:
    with pytest.raises(ValueError, match="no share"):
        workers_for(1.0, 1.0, 1.0, share=1.0)
