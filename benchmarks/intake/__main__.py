"""Are questions acknowledged in time, and each of them stored once, at a hundred a second?

Signed requests at fixed times against the real bot with its real database and broker; the platform is our stand-in. A
request that is not acknowledged is sent again as the platform would, only sooner. Everything shares two cores: bot,
broker, sender, stand-in and, without `--without-workers`, the workers that answer.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

from answerloop import metrics
from answerloop.cli.console import progress_bar
from answerloop.testing.installation import until
from benchmarks.intake import CHANNELS, books
from benchmarks.intake.channels import Asking, Platform
from benchmarks.intake.installations import Cores, Installation, running, stopped
from benchmarks.intake.load import Sent, send_all
from benchmarks.report import Bar, make_report, publish

NOTHING = {"lost": Bar(most=0), "doubled": Bar(most=0)}
IN_TIME = {"p99_ms": Bar(most=150)}
CORES = 2
START_SECONDS = 3.0
BROKEN_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse_options(arguments)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    figures = measure(options)
    bars = NOTHING | ({} if options.break_broker or not options.without_workers else IN_TIME)
    publish(make_report(f"intake, {options.channel}", _setting(options), figures, bars), options.json)


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channel", choices=sorted(CHANNELS), default="slack")
    parser.add_argument("--rate", type=float, default=100.0, help="questions a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--without-workers", action="store_true", help="bot, broker and database alone")
    parser.add_argument("--break-broker", action="store_true", help="the broker hangs for ten seconds in the middle")
    parser.add_argument("--drain", type=float, default=0.0, help="wait so many seconds for the answers to be shown")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    options = parser.parse_args(arguments)
    if options.channel == "teams" and not options.without_workers:
        parser.error("nobody stands in for Microsoft's sign-in and connector: --channel teams needs --without-workers")
    return options


def _setting(options: argparse.Namespace) -> str:
    parts = [f"{options.rate:g} questions/s for {options.seconds:g} s"]
    parts.append("bot and broker without workers" if options.without_workers else "workers answer meanwhile")
    return ", ".join(parts + [f"broker hangs for {BROKEN_SECONDS:g} s"] * options.break_broker)


def measure(options: argparse.Namespace) -> dict[str, float]:
    asking, platform = CHANNELS[options.channel]
    questions = int(options.rate * options.seconds)
    with (
        platform(questions) as shown_there,
        tempfile.TemporaryDirectory(prefix="answerloop-") as folder,
        running(Path(folder) / "state", shown_there.settings, workers=not options.without_workers) as installation,
    ):
        cores = Cores(installation.pid_of("bot"))
        sent = _send(options, asking, questions, installation)
        bot, others = cores.busy()
        figures = _acknowledgements(sent) | {"questions": float(questions), "bot_cores": bot, "other_cores": others}
        if options.without_workers:
            url = (Path(folder) / "state" / "broker" / "url").read_text().strip()
            figures["without_job"] = float(books.without_a_job(installation.database, url))
        else:
            figures |= _answers(installation, shown_there, questions, options.drain)
        stored = books.stored(installation.database, [asking.asker(number) for number in range(questions)])
        return figures | {"lost": float(stored.lost), "doubled": float(stored.doubled)}


def _send(options: argparse.Namespace, asking: Asking, questions: int, installation: Installation) -> list[Sent]:
    breaks = max(0.0, options.seconds - BROKEN_SECONDS) / 2
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
        progress_bar("sending") as progress,
        ExitStack() as broken,
    ):
        begin = time.time() + START_SECONDS
        sending = pool.submit(send_all, asking, installation.port, questions, options.rate, begin)
        waits_to_break = options.break_broker
        while not sending.done():
            passed = time.time() - begin
            progress(int(max(0.0, passed)), int(options.seconds), "")
            if waits_to_break and passed > breaks:
                broken.enter_context(stopped(installation.pid_of("broker")))
                waits_to_break = False
            if passed > breaks + BROKEN_SECONDS:
                broken.close()
            time.sleep(0.1)
        return sending.result()


def _acknowledgements(sent: Sequence[Sent]) -> dict[str, float]:
    """An event that was never acknowledged counts with the time until it was given up."""
    times = [each.ms for each in sent]
    failures = Counter(failure for each in sent for failure in each.failures)
    return {
        "requests": float(len(sent)),
        **{f"p{q}_ms": metrics.percentile(times, q) for q in (50, 90, 99)},
        "max_ms": max(times),
        "sender_late_p99_ms": metrics.percentile([each.late_ms for each in sent], 99),
        "failed_requests": float(failures.total()),
        "unacknowledged": float(sum(not each.acknowledged for each in sent)),
    }


def _answers(installation: Installation, there: Platform, questions: int, seconds: float) -> dict[str, float]:
    """Not what the intake owes: how far the workers have come, at once or after `seconds`."""
    before, start = books.shown(installation.database), time.monotonic()
    with suppress(AssertionError):
        until(lambda: books.shown(installation.database) >= questions, seconds, pause=1.0)
    messages = there.messages()
    return {
        "shown_at_the_end": float(before),
        "shown_later": float(books.shown(installation.database) - before),
        "drained_s": time.monotonic() - start,
        "shown_twice": float(sum(count > 1 for count in messages.values())),
    }


if __name__ == "__main__":
    main()
