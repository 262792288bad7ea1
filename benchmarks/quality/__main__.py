"""All question sets in one go, held against the bars and, question by question, against the accepted result.

Exit codes: 0 no figure got worse · 1 one did, outside noise · 2 there is nothing to compare with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from benchmarks.quality.regression import NOT_COMPARED, WORSE, Change, compare
from benchmarks.quality.result import SetResult, figure_of, load, save
from benchmarks.quality.sets import BARS, OWN, SETS, SLICE, run
from benchmarks.report import make_report, publish

ACCEPTED = Path(__file__).resolve().parents[1] / "results" / "quality.json"
NAMED = 5  # questions of one side alone that the screen names; the JSON names them all

Measure = Callable[[str, Path | None, int | None], SetResult]
"""Name of the set, folder of the public sets, limit."""


def main(arguments: Sequence[str] | None = None, measure: Measure = run) -> int:
    options = _options(arguments)
    names = (SLICE,) if options.slice else tuple(options.set)
    before = load(options.accepted)
    unknown = [name for name in names if name not in before]
    if unknown and not options.accept:
        say(
            f"There is nothing to compare with: {options.accepted} holds no result of {', '.join(unknown)}. Measure a "
            "version that you trust with --accept, and commit the file."
        )
        return 2
    now = {name: measure(name, options.data, options.limit) for name in names}
    changes = compare(before, now, {name: SETS[name].figures for name in names})
    bars = {key: bar for key, bar in BARS.items() if key.split("_")[0] in names and options.limit is None}
    report = make_report("quality", ", ".join(names), figures(now), bars)
    publish(report, options.json, {"changes": [asdict(change) for change in changes]})
    if changes:
        explain(changes, before, now)
    if options.accept:
        save(options.accepted, before | now)
        say(f"Accepted: {options.accepted} holds these results from now on.")
        return 0
    return verdict(changes)


def figures(results: Mapping[str, SetResult]) -> dict[str, float]:
    """`<set>_<figure>` and `<set>_<timing>`. What was not measured is absent: its bar then cannot hold."""
    found: dict[str, float | None] = {}
    for name, result in results.items():
        found[f"{name}_n"] = float(len(result.rows))
        found |= {f"{name}_{figure}": figure_of(result.rows, figure) for figure in SETS[name].figures}
        found |= {f"{name}_{key}": seconds for key, seconds in result.timings.items()}
    return {key: value for key, value in found.items() if value is not None}


def explain(changes: Sequence[Change], before: Mapping[str, SetResult], now: Mapping[str, SetResult]) -> None:
    """The table of changes, then what was not or not quite alike on both sides."""
    names = (Column(name, no_wrap=True) for name in ("set", "figure"))
    table = Table(*names, "before", "now", "difference", "n", "verdict", title="against the accepted result")
    for change in changes:
        numbers = ("", "", "", "")
        if pair := change.paired:
            by = pair.difference
            interval = f"{by.value:+.3f} ({by.low:+.3f} to {by.high:+.3f})"
            numbers = (f"{pair.before:.3f}", f"{pair.now:.3f}", interval, str(by.n))
        table.add_row(change.name, change.figure, *numbers, change.verdict)
    Console().print(table)
    for name in [name for name in now if name in before]:
        for key, value in now[name].about.items():
            if (was := before[name].about.get(key)) != value:
                say(f"{name}: {key} was {was}, is {value}")
    for line in sorted({line for change in changes for line in unpaired(change)}):
        say(line)


def unpaired(change: Change) -> list[str]:
    """Which questions have no partner, so that nothing is dropped silently."""
    sides = {"in the accepted result": change.only_before, "in this run": change.only_now}
    return [
        f"{change.name} {change.figure}: {len(ids)} questions only {side}: {', '.join(ids[:NAMED])}"
        + (" …" if len(ids) > NAMED else "")
        for side, ids in sides.items()
        if ids
    ]


def verdict(changes: Sequence[Change]) -> int:
    """The exit code."""
    for code, found, sentence in (
        (1, WORSE, "Worse, and not by chance"),
        (2, NOT_COMPARED, "No question is on both sides (accept the new result if that is meant)"),
    ):
        if named := [f"{change.name} {change.figure}" for change in changes if change.verdict == found]:
            say(f"{sentence}: {', '.join(named)}.")
            return code
    say("No figure got worse beyond noise.")
    return 0


def say(line: str) -> None:
    Console().print(line, highlight=False, markup=False, soft_wrap=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--data", type=Path, help=f"folder with the public sets; not needed for {', '.join(OWN)}")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, help="only the first questions of each set; no bars")
    parser.add_argument("--set", nargs="+", choices=SETS, default=list(SETS), metavar="NAME", help=", ".join(SETS))
    parser.add_argument("--slice", action="store_true", help="only the slice: a few minutes, without the public sets")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED, help="the result to compare with")
    parser.add_argument("--accept", action="store_true", help="make these sets' results the accepted ones")
    options = parser.parse_args(arguments)
    if options.accept and options.limit is not None:
        parser.error("--accept takes whole sets, not a --limit")
    if options.data is None and not options.slice and not set(options.set) <= set(OWN):
        parser.error("--data is needed for the public sets")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
