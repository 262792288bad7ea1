"""How many questions a second are answered, from the bot's HTTP intake to the delivery, without the queue growing?

Questions of the sample handbook at fixed times, whatever became of earlier ones; bot, workers, broker and database are
real, the generator is the extractive one. Everything shares two cores: sender, servers, bot and workers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import select

from answerloop import metrics
from answerloop.cli.console import progress_bar
from answerloop.db.repositories import questions
from answerloop.db.tables import AnswerRow, DeliveryRow, QuestionRow
from answerloop.testing.installation import CHECKOUT, RunningInstallation, until
from answerloop.testing.installation_on_servers import InstallationOnServers
from answerloop.testing.servers import PostgresServer, RedisServer
from benchmarks.intake.channels import Delivery
from benchmarks.intake.load import Sent, send_all
from benchmarks.report import Bar, make_report, publish

CORES = 2
START_SECONDS = 3.0
WARM_UP = 20
DRAIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.5
HANDBOOK = CHECKOUT / "samples" / "handbook"
BARS = {
    "lost": Bar(most=0),
    "answered_per_s": Bar(least=10),
    "queue_age_growth_s_per_min": Bar(most=0.5),
}


@dataclass(slots=True)
class WebAsking:
    """Employees whom a proxy on this machine names, each with a conversation of their own."""

    texts: tuple[str, ...]
    prefix: str = "asker"
    path: str = "/api/chat/questions"

    def deliveries(self, number: int) -> list[Delivery]:
        text = self.texts[number % len(self.texts)]
        return [Delivery(json.dumps({"text": text, "client_key": self.asker(number)}).encode())]

    def headers(self, body: bytes, retry: int) -> Mapping[str, str]:
        return {"content-type": "application/json", "x-user": json.loads(body)["client_key"]}

    def asker(self, number: int) -> str:
        return f"{self.prefix}-{number:06d}"


@dataclass(frozen=True, slots=True)
class Look:
    """Questions without an answer at some moment (seconds since the first one), and the age of the oldest."""

    at: float
    waiting: int
    oldest: float


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse_options(arguments)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    figures, looks = measure(options)
    setting = f"{options.rate:g} questions/s for {options.seconds:g} s, {options.backends}, extractive"
    more = {"queue": [[look.at, look.waiting, look.oldest] for look in looks]}
    publish(make_report("throughput", setting, figures, BARS), options.json, more)


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", choices=("servers", "embedded"), default="servers")
    parser.add_argument("--rate", type=float, default=11.0, help="questions a second; more than the bar asks for")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path, help="write the report to this file")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> tuple[dict[str, float], list[Look]]:
    count = int(options.rate * options.seconds)
    texts = tuple(json.loads(line)["question"] for line in (CHECKOUT / "samples" / "questions.jsonl").open())
    asking, warming = WebAsking(texts), WebAsking(texts, "first")
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder, _running(Path(folder), options) as installation:
        send_all(warming, installation.port, WARM_UP, options.rate, time.time())
        until(lambda: not installation.undelivered())
        before = _processor_seconds(installation)
        sent, looks = _send(options, asking, count, installation)
        with suppress(AssertionError):
            until(lambda: not installation.undelivered(), DRAIN_SECONDS)
        spent = {name: seconds - before.get(name, 0.0) for name, seconds in _processor_seconds(installation).items()}
        rows = _delivered(installation, asking, count)
        figures = _figures(sent, looks, rows, count)
        costs = {f"{name}_ms_per_answer": 1000 * seconds / len(rows) for name, seconds in sorted(spent.items())}
        return figures | {"processor_ms_per_answer": sum(costs.values())} | costs, looks


def _processor_seconds(installation: RunningInstallation) -> dict[str, float]:
    """Spent so far by each of our programs, but for the sender; what they cost does not depend on who else is here."""
    spent: defaultdict[str, float] = defaultdict(float)
    processes = installation.children()
    if isinstance(installation, InstallationOnServers):
        for server in (installation.redis, installation.postgres):
            process = psutil.Process(server.pid)
            processes += [process, *process.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent[_name(process)] += times.user + times.system
            if process.name() == "postgres" and process.children():
                spent["postgres"] += times.children_user + times.children_system  # connections that have ended
    return spent


def _name(process: psutil.Process) -> str:
    """`bot`, `worker_answer`, `beat` …, or the program's own."""
    words = process.cmdline()
    if "-m" in words:
        words = words[words.index("-m") + 1 :]
        return f"worker_{words[-1]}" if "serve" in words else words[-1]
    return process.name().partition("-")[0]


@contextmanager
def _running(folder: Path, options: argparse.Namespace) -> Iterator[RunningInstallation]:
    """As `answerloop up` starts it, with the dashboard and its worker off; stopped at the end."""
    settings = {"identity_header": "x-user", "trusted_proxies": "127.0.0.1"}
    with ExitStack() as servers:
        installation: RunningInstallation
        if options.backends == "servers":
            redis, postgres = servers.enter_context(RedisServer()), servers.enter_context(PostgresServer())
            installation = InstallationOnServers(folder / "state", HANDBOOK, redis, postgres, **settings)
        else:
            installation = RunningInstallation(folder / "state", HANDBOOK, **settings)
        installation.start()
        try:
            yield installation
        finally:
            installation.stop()
            installation.database.dispose()


def _send(
    options: argparse.Namespace, asking: WebAsking, count: int, installation: RunningInstallation
) -> tuple[list[Sent], list[Look]]:
    looks = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, progress_bar("sending") as progress:
        begin = time.time() + START_SECONDS
        sending = pool.submit(send_all, asking, installation.port, count, options.rate, begin)
        while not sending.done():
            time.sleep(LOOK_EVERY_SECONDS)
            passed = time.time() - begin
            progress(int(max(0.0, passed)), int(options.seconds), "")
            if 0 < passed < options.seconds:
                with installation.database.reading() as session:
                    looks.append(Look(passed, *questions.open_count(session)))
        return sending.result(), looks


@dataclass(frozen=True, slots=True)
class Delivered:
    asked: float
    answered: float
    delivered: float


def _delivered(installation: RunningInstallation, asking: WebAsking, count: int) -> list[Delivered]:
    wanted = {asking.asker(number) for number in range(count)}
    with installation.database.reading() as session:
        rows = session.execute(
            select(QuestionRow.asker, QuestionRow.created_at, AnswerRow.finished_at, DeliveryRow.delivered_at)
            .join(AnswerRow, AnswerRow.question_id == QuestionRow.id)
            .join(DeliveryRow, DeliveryRow.question_id == QuestionRow.id)
            .where(DeliveryRow.delivered_at.is_not(None))
        ).all()
    return [
        Delivered(asked.timestamp(), answered.timestamp(), delivered.timestamp())
        for asker, asked, answered, delivered in rows
        if asker in wanted and answered and delivered
    ]


def _figures(sent: Sequence[Sent], looks: Sequence[Look], rows: Sequence[Delivered], count: int) -> dict[str, float]:
    waits = [row.delivered - row.asked for row in rows]
    ends = sorted(row.delivered for row in rows)
    acknowledged = [each.ms for each in sent]
    return {
        "questions": float(count),
        "lost": float(count - len(rows)),
        "answered_per_s": (len(ends) - 1) / (ends[-1] - ends[0]),
        **{f"delivery_p{q}_s": metrics.percentile(waits, q) for q in (50, 90, 99)},
        "delivery_max_s": max(waits),
        "answer_p50_s": metrics.percentile([row.answered - row.asked for row in rows], 50),
        **{f"acknowledged_p{q}_ms": metrics.percentile(acknowledged, q) for q in (50, 99)},
        "waiting_most": float(max(look.waiting for look in looks)),
        "queue_age_most_s": max(look.oldest for look in looks),
        "queue_age_growth_s_per_min": 60 * slope([(look.at, look.oldest) for look in looks]),
    }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line through them (least squares)."""
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return float(sum((x - middle_x) * (y - middle_y) for x, y in points) / spread)


if __name__ == "__main__":
    main()
