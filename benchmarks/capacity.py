"""How many workers does a company need? From the time of one answer and the habits of its employees, by Erlang's C.

`--check` compares the formula with real waits: a Celery worker on the embedded broker, jobs that come at random and
sleep for exponential times.
"""

from __future__ import annotations

import argparse
import heapq
import json
import multiprocessing
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from answerloop import metrics
from answerloop.backends.queue_celery import CeleryTaskQueue, make_worker_app
from answerloop.cli import broker
from answerloop.cli.console import progress_bar
from answerloop.ports import Job
from answerloop.settings import StateFolder
from answerloop.testing.installation import until
from benchmarks.erlang import Queue, workers_for
from benchmarks.report import Bar, make_report, publish

EMPLOYEES = (1_000, 30_000, 1_000_000)
QUESTIONS = 0.5  # of an employee on a working day
PEAK_HOUR = 0.2  # of the day's questions come in its busiest hour
WAIT_SECONDS, SHARE = 1.0, 0.95
WORKERS = 4
SERVICE_SECONDS = 0.2
LOADS = (0.5, 0.7, 0.85)
TASK, QUEUE = "capacity.sleep", "capacity"
SEED = 1
DRAIN_SECONDS = 60.0
BARS = {f"{load:.0%}: off_s": Bar(most=0.1) for load in LOADS}  # half of a job's time


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse_options(arguments)
    if options.check:
        report = make_report("capacity", f"{options.seconds:g} s for each load", check(options.seconds), BARS)
        publish(report, options.json)
    else:
        answer = options.service if options.service is not None else service_of(options.measured)
        publish_needs(options, answer)


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--service", type=float, help="seconds that one answer keeps a worker")
    what.add_argument("--measured", type=Path, help="JSON of benchmarks.overhead, whose median is taken for it")
    what.add_argument("--check", action="store_true", help="compare the formula with a real queue")
    parser.add_argument("--employees", type=int, nargs="+", default=EMPLOYEES)
    parser.add_argument("--questions", type=float, default=QUESTIONS, help="of an employee on a working day")
    parser.add_argument("--peak-hour", type=float, default=PEAK_HOUR, help="share of them in the busiest hour")
    parser.add_argument("--wait", type=float, default=WAIT_SECONDS, help="seconds until a question is taken up")
    parser.add_argument("--share", type=float, default=SHARE, help="of the questions for which this holds")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load, for --check")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    return parser.parse_args(arguments)


# --- what a company needs


def peak_rate(employees: int, questions: float, peak_hour: float) -> float:
    """Questions a second in the busiest hour."""
    return employees * questions * peak_hour / 3600


def service_of(measured: Path) -> float:
    """Seconds. Raises KeyError where the report has no such figure."""
    return float(json.loads(measured.read_text())["figures"]["p50_ms"]) / 1000


def needs(options: argparse.Namespace, service: float) -> dict[int, Queue]:
    return {
        employees: workers_for(
            peak_rate(employees, options.questions, options.peak_hour), service, options.wait, options.share
        )
        for employees in options.employees
    }


def publish_needs(options: argparse.Namespace, service: float) -> None:
    figures: dict[str, float] = {"service_s": service}
    for employees, queue in needs(options, service).items():
        figures |= {
            f"{employees}: questions/s": queue.rate,
            f"{employees}: workers": float(queue.workers),
            f"{employees}: busy": queue.busy,
            f"{employees}: mean_wait_s": queue.mean_wait,
            f"{employees}: wait_at_share_s": queue.wait_at(options.share),
        }
    habits = f"{options.questions:g} questions a day, {options.peak_hour:.0%} in the busiest hour"
    publish(make_report("capacity", habits, figures, {}), options.json)


# --- whether the formula holds


@dataclass(frozen=True, slots=True)
class Arrival:
    """Seconds after the beginning at which it comes, and so long it takes."""

    due: float
    takes: float


def arrivals(rate: float, service: float, seconds: float, rng: random.Random) -> Iterator[Arrival]:
    """At random (Poisson), with exponential times."""
    due = rng.expovariate(rate)
    while due < seconds:
        yield Arrival(due, rng.expovariate(1 / service))
        due += rng.expovariate(rate)


def waits_of(planned: Sequence[Arrival], workers: int) -> list[float]:
    """What each would wait if the workers lost no time in between."""
    free = [0.0] * workers
    waits = []
    for arrival in planned:
        begin = max(arrival.due, heapq.heappop(free))
        heapq.heappush(free, begin + arrival.takes)
        waits.append(begin - arrival.due)
    return waits


def check(seconds: float) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder, _broker(StateFolder(Path(folder))) as url:
        done = Path(folder) / "done"
        worker = multiprocessing.get_context("spawn").Process(target=work, args=(url, done))
        worker.start()
        try:
            _send(url, done, [Arrival(0.0, 0.0)])  # and it is up
            for load in LOADS:
                rate = load * WORKERS / SERVICE_SECONDS
                planned = list(arrivals(rate, SERVICE_SECONDS, seconds, random.Random(SEED)))  # noqa: S311
                measured = _send(url, done, planned)
                figures |= _compared(f"{load:.0%}", planned, measured, seconds)
        finally:
            worker.terminate()
            worker.join()
    return figures


def work(url: str, done: Path) -> None:
    """A worker whose jobs sleep and write down their number and when they began."""
    app, lock = make_worker_app(url), threading.Lock()

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def sleep(number: str, seconds: str) -> None:
        began = time.time()
        time.sleep(float(seconds))
        with lock, done.open("a") as file:
            file.write(f"{number} {began}\n")

    app.Worker(queues=QUEUE, pool="threads", concurrency=WORKERS, without_gossip=True, without_mingle=True).start()


@contextmanager
def _broker(state: StateFolder) -> Iterator[str]:
    process = subprocess.Popen(broker.prepare(state), stdout=subprocess.DEVNULL)
    url = state.broker_url.read_text().strip()
    try:
        until(lambda: broker.answers(url), 20)
        yield url
    finally:
        process.kill()
        process.wait()


def _send(url: str, done: Path, planned: Sequence[Arrival]) -> list[float]:
    """Each at its time; returns the wait of each."""
    done.write_text("")
    queue = CeleryTaskQueue(url)
    begin = time.time()
    with progress_bar("sending") as progress:
        for number, arrival in enumerate(planned):
            progress(number, len(planned), "")
            time.sleep(max(0.0, begin + arrival.due - time.time()))
            queue.send(Job(TASK, QUEUE, (str(number), str(arrival.takes))))
    until(lambda: len(done.read_text().splitlines()) == len(planned), DRAIN_SECONDS)
    rows = (line.split() for line in done.read_text().splitlines())
    began = {int(number): float(moment) for number, moment in rows}
    return [began[number] - begin - arrival.due for number, arrival in enumerate(planned)]


def _compared(name: str, planned: Sequence[Arrival], measured: Sequence[float], seconds: float) -> dict[str, float]:
    service = sum(arrival.takes for arrival in planned) / len(planned)
    predicted = Queue(len(planned) / seconds, service, WORKERS)
    mean, undisturbed = (sum(waits) / len(waits) for waits in (measured, waits_of(planned, WORKERS)))
    return {
        f"{name}: jobs": float(len(planned)),
        f"{name}: busy": predicted.busy,
        f"{name}: mean_wait_s": mean,
        f"{name}: mean_wait_of_these_arrivals_s": undisturbed,
        f"{name}: mean_wait_predicted_s": predicted.mean_wait,
        f"{name}: p95_wait_s": metrics.percentile(measured, 95),
        f"{name}: p95_wait_predicted_s": predicted.wait_at(0.95),
        f"{name}: off_s": abs(mean - predicted.mean_wait),
    }


if __name__ == "__main__":
    main()
