"""`python -m bench race REV`: what it takes, and its exit code."""

from __future__ import annotations

import argparse
import sys

from bench.commands.exit_codes import FAILED, INTERRUPTED, OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command."""
    parser.add_argument("revision", metavar="REV", help="a branch, a tag or a commit, such as origin/main")
    parser.add_argument("--kernels", metavar="A,B", help="default: those whose sources differ, else all on the CPU")
    parser.add_argument("--workloads", metavar="A,B", help="default: 10000x32-f64,1000000x32-f32")
    parser.add_argument("--threads", metavar="N", type=int, default=1, help="for every kernel (default: 1)")
    parser.add_argument(
        "--minutes", metavar="N", type=float, default=10.0, help="at most, or five launches (default: 10)"
    )
    parser.add_argument("--launches", metavar="N", type=int, help="start the workers so often, however long it takes")
    parser.add_argument(
        "--fail-if-slower", metavar="PERCENT", type=float, default=2.0, help="what is shown fails (default: 2)"
    )


def race(chosen: argparse.Namespace) -> int:
    """The working tree's kernels against a commit's."""
    from rich.console import Console

    from bench.commands.race import revisions
    from bench.commands.race import text as race_text
    from bench.host import machine

    asked = (chosen.revision, chosen.kernels, chosen.workloads, chosen.threads, chosen.minutes, chosen.launches)
    live = race_text.progress(Console(stderr=True))
    wanted = revisions.Options(*asked, chosen.fail_if_slower)
    found = revisions.run(wanted, lambda line: print(line, file=sys.stderr), live)
    live("", 1.0)
    race_text.summary(Console(highlight=False), found, machine.identity(), chosen.threads)
    return INTERRUPTED if found.interrupted else FAILED if found.failures else OK
