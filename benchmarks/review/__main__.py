"""How fast do answers go to reviewers and judgements come back, and does a kill cost one of them or make it two?

A real Label Studio behind a proxy of ours, which kills it or us in the worst moments: after tasks were imported and
before we hear of it, before they are, and between a page of judgements and its commit. The rates count every second at
work, also what a kill threw away, and neither restarts nor waiting for the lease of the dead.
`make label-studio` comes first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from answerloop.cli.console import progress_bar
from answerloop.db.session import Database
from answerloop.testing.fake_review_queue import Opinion
from answerloop.testing.label_studio_server import LabelStudioPeople, RunningLabelStudio
from answerloop.testing.unruly_proxy import Trouble, UnrulyProxy
from benchmarks.report import Bar, make_report, publish
from benchmarks.review import books
from benchmarks.review.step import LEASE

BARS = {"twins": Bar(most=0), "lost": Bar(most=0), "doubled_jobs": Bar(most=0), "kills": Bar(least=5)}
TITLE = "Answers to judge"
REVIEWERS = tuple(f"reviewer-{number}@orrenby.example" for number in range(4))
PATIENCE_SECONDS = 300


class Steps:
    """Runs a process of ours again and again until it comes to its end, and starts the server when it is down."""

    def __init__(self, database: Database, server: RunningLabelStudio, proxy: UnrulyProxy) -> None:
        self._arguments = [str(database.engine.url), proxy.url, server.token]
        self._server = server
        self._process: subprocess.Popen[str] | None = None
        self.kills = 0

    def kill_us(self) -> None:
        if self._process is None:
            raise RuntimeError("there is nothing to kill")
        self._process.kill()
        self.kills += 1

    def kill_server(self) -> None:
        self._server.kill()
        self.kills += 1

    def run(self, step: str) -> float:
        """The seconds at work."""
        seconds = 0.0
        while True:
            if self._server.process is None:
                self._server.start()
            finished, took = self._once(step)
            seconds += took
            if finished:
                return seconds
            time.sleep(LEASE.total_seconds() + 0.5)

    def _once(self, step: str) -> tuple[bool, float]:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.review.step", *self._arguments, step]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self._process.stdout is None or self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{step} did not start")
        started = time.monotonic()
        said = self._process.communicate(timeout=PATIENCE_SECONDS)[0]
        return said.strip() == "done", time.monotonic() - started


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the report to this file")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder:
        figures = measure(Path(folder), options.tasks)
    data = f"{options.tasks} tasks out, {options.tasks} judgements back"
    publish(make_report("review", data, figures, BARS), options.json)


def measure(folder: Path, number: int) -> dict[str, float]:
    database = Database(f"sqlite:///{folder / 'answerloop.db'}")
    database.migrate()
    audits = books.open_audits(database, number)
    server = RunningLabelStudio(folder / "label-studio")
    server.start()
    people = LabelStudioPeople(server, TITLE)
    try:
        with UnrulyProxy(server.url) as proxy:
            steps = Steps(database, server, proxy)
            _expect(proxy, "/import", number // 50, [steps.kill_us, steps.kill_server, steps.kill_us])
            push_seconds = steps.run("push")
            _judge_all(people, books.tasks(database))
            _expect(proxy, "PATCH /api/projects/", number // 100, [steps.kill_us, steps.kill_server])
            pull_seconds = steps.run("pull")
            there = people.tasks()
            steps.run("sweep")
    finally:
        people.close()
        server.stop()
    if not books.agree(there, books.tasks(database)):
        raise RuntimeError("a task stands there that we do not know")
    copies, verdicts = Counter(there.values()), books.verdicts(database)
    figures = {
        "tasks": float(len(there)),
        "judgements": float(sum(verdicts.values())),
        "kills": float(steps.kills),
        "twins": float(sum(copies.values()) - len(copies)),
        "lost": float(sum(copies[audit] != 1 or verdicts[audit] != 1 for audit in audits)),
        "doubled_jobs": float(sum(books.jobs(database).values()) - number),
        "push_tasks_per_s": number / push_seconds,
        "pull_judgements_per_s": number / pull_seconds,
    }
    database.dispose()
    return figures


def _expect(proxy: UnrulyProxy, where: str, requests: int, kills: Sequence[Callable[[], None]]) -> None:
    """The kills are spread over so many requests; every second one comes before the server has done its part."""
    for place, kill in enumerate(kills):
        spare = max(requests // (len(kills) + 1), 1)
        proxy.expect(Trouble(where, spare=spare * (place + 1), before=place % 2 == 1, meanwhile=kill))


def _judge_all(people: LabelStudioPeople, tasks: dict[str, str]) -> None:
    for reviewer in REVIEWERS:
        people.sign_in(reviewer)
    with progress_bar("judging") as progress, ThreadPoolExecutor(len(REVIEWERS)) as pool:
        shares = [list(tasks.values())[place :: len(REVIEWERS)] for place in range(len(REVIEWERS))]
        done = [0]

        def judge(reviewer: str, share: list[str]) -> None:
            for task in share:
                people.judge(task, reviewer, Opinion(correction="It is 90 days."))
                done[0] += 1
                progress(done[0], len(tasks), task)

        for result in [pool.submit(judge, *pair) for pair in zip(REVIEWERS, shares, strict=True)]:
            result.result()


if __name__ == "__main__":
    main()
