"""`make bench`: every measurement in turn, a table each on the screen and a JSON file each in a folder."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

RUNS: tuple[tuple[str, ...], ...] = (  # file name, benchmark, folder below --data, further options
    ("quality", "quality", "."),
    ("reader", "reader", "xquad-en"),
    ("answerability", "answerability", "xquad-en"),
    ("groundedness", "groundedness", "groundedness-dev"),
    ("injection", "injection", "indirect-injection-dev"),
    ("triage", "triage", "."),
    ("curated", "curated", ""),
    ("overhead", "overhead", "handbook-18f"),
    ("intake", "intake", "", "--without-workers"),
    ("intake-with-workers", "intake", ""),
    ("intake-broken-broker", "intake", "", "--break-broker"),
    ("intake-teams", "intake", "", "--channel", "teams", "--without-workers"),
    ("intake-teams-broken-broker", "intake", "", "--channel", "teams", "--without-workers", "--break-broker"),
    ("throughput", "throughput", ""),
    ("throughput-embedded", "throughput", "", "--backends", "embedded"),
    ("generation", "generation", ""),
    ("pii", "pii", "pii-presidio-dev"),
    ("index-scale", "index_scale", ""),
    ("capacity", "capacity", "", "--check"),
    ("review", "review", ""),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the JSON files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    missed = [run[0] for run in RUNS if not _run(options, *run)]
    print(f"bars not held: {', '.join(missed)}" if missed else "every bar holds")  # noqa: T201
    return 1 if missed else 0


def _run(options: argparse.Namespace, name: str, benchmark: str, folder: str, *more: str) -> bool:
    """Whether it ran and every bar holds."""
    target = options.out / f"{name}.json"
    target.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"benchmarks.{benchmark}", "--json", str(target), *more]
    if folder:
        command += ["--data", str(options.data / folder)]
    if subprocess.run(command, check=False).returncode != 0 or not target.exists():
        return False
    return all(result["holds"] for result in json.loads(target.read_text())["bars"].values())


if __name__ == "__main__":
    raise SystemExit(main())
