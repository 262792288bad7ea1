"""The benchmark of the intake measures what it says, on a few requests."""

import argparse

import pytest

from benchmarks.intake import CHANNELS
from benchmarks.intake.__main__ import measure, parse_options

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_a_short_run_loses_nothing_doubles_nothing_and_leaves_a_job_for_each(channel):
    options: argparse.Namespace = parse_options(
        ["--channel", channel, "--without-workers", "--rate", "40", "--seconds", "2"]
    )
    figures = measure(options)
    assert (figures["questions"], figures["requests"]) == (80, 84)
    assert (figures["lost"], figures["doubled"], figures["without_job"]) == (0, 0, 0)
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]
