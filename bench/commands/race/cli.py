"""`python -m bench race REV`: its arguments and its exit code."""

from __future__ import annotations

import argparse
import sys

from bench.commands.exit_codes import FAILED, INTERRUPTED, OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("revision", metavar="REV", help="a branch, a tag or a commit, such as origin/main")
    parser.add_argument(
        "--kernels", metavar="A,B", help="default: those whose sources differ, or all CPU kernels if none differs"
    )
    parser.add_argument("--workloads", metavar="A,B", help="default: 10000x32-f64,1000000x32-f32")
    parser.add_argument("--threads", metavar="N", default="1", help="threads of every kernel (default: 1)")
    parser.add_argument(
        "--minutes", metavar="N", default="10", help="time limit; at least five launches are made (default: 10)"
    )
    parser.add_argument("--launches", metavar="N", help="the exact number of launches, instead of --minutes")
    parser.add_argument(
        "--fail-if-slower",
        metavar="PERCENT",
        default="2",
        help="fail if a kernel is shown to be slower by more than this (default: 2)",
    )


def race(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from rich.console import Console

    from bench.commands.race import revisions, text as race_text
    from bench.host import machine
    from bench.runner import numbers

    launches = arguments.launches
    options = revisions.Options(
        arguments.revision,
        arguments.kernels,
        arguments.workloads,
        numbers.threads().parse("--threads", arguments.threads),
        numbers.ABOVE_0.parse("--minutes", arguments.minutes),
        None if launches is None else numbers.LAUNCHES_WITH_INTERVAL.parse("--launches", launches),
        numbers.PERCENT.parse("--fail-if-slower", arguments.fail_if_slower),
    )
    progress = race_text.progress(Console(stderr=True))
    comparison = revisions.run(options, lambda line: print(line, file=sys.stderr), progress)
    progress("", 1.0)
    race_text.summary(Console(highlight=False), comparison, machine.identity(), options.threads)
    return INTERRUPTED if comparison.interrupted else FAILED if comparison.failures else OK
