import json
import random
from pathlib import Path

import pytest

from benchmarks.capacity import Arrival, arrivals, needs, parse_options, peak_rate, service_of, waits_of
from benchmarks.erlang import Queue


def test_the_busiest_hour_is_a_share_of_the_day() -> None:
    assert peak_rate(30_000, questions=0.5, peak_hour=0.2) == pytest.approx(0.8333, abs=1e-4)


def test_the_time_of_an_answer_is_taken_from_a_report(tmp_path: Path) -> None:
    report = tmp_path / "overhead.json"
    report.write_text(json.dumps({"figures": {"p50_ms": 180.0}}))
    assert service_of(report) == pytest.approx(0.18)


def test_more_employees_need_more_workers_that_are_busier() -> None:
    few, many = needs(parse_options(["--service", "0.5", "--employees", "1000", "1000000"]), 0.5).values()
    assert few.workers < many.workers
    assert few.busy < many.busy < 1


def test_who_comes_while_all_work_waits_for_the_first_to_be_free() -> None:
    planned = [Arrival(0.0, 5.0), Arrival(1.0, 3.0), Arrival(2.0, 1.0), Arrival(9.0, 1.0)]
    assert waits_of(planned, workers=2) == [0.0, 0.0, 2.0, 0.0]


def test_random_arrivals_wait_as_long_as_erlang_says() -> None:
    planned = list(arrivals(rate=3.0, service=1.0, seconds=100_000.0, rng=random.Random(1)))
    waits = waits_of(planned, workers=4)
    predicted = Queue(3.0, 1.0, 4)
    assert sum(waits) / len(waits) == pytest.approx(predicted.mean_wait, rel=0.05)
    assert sorted(waits)[int(0.95 * len(waits))] == pytest.approx(predicted.wait_at(0.95), rel=0.05)
