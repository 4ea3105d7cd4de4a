"""python -m bench: what there is to measure, whether a kernel agrees, and what was measured.

Timing is pytest's: `pytest --benchmark`. Every import that costs time waits inside the command that needs it,
so that --help answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bench.commands import exit_codes

COMMANDS = (
    ("kernels", "list the kernels: what each does, and whether it can run here", "bench.commands.lists"),
    ("workloads", "list the workloads: size, bytes, and how long a run of all kernels takes", "bench.commands.lists"),
    ("machine", "print this machine's fingerprint as JSON; or the machines with results", "bench.commands.lists"),
    (
        "check",
        "a kernel's certificate of agreement, without timing; or a results file's, for sharing",
        "bench.commands.check.cli",
    ),
    (
        "explain",
        "why a kernel is as fast as it is: its machine code, memory and threads",
        "bench.commands.explain.cli",
    ),
    ("report", "print a run, and make a page of it", "bench.commands.report"),
    (
        "compare",
        "two runs or more side by side: what differs, what changed, how sure that is",
        "bench.commands.compare.cli",
    ),
    (
        "selftest",
        "races kernels against themselves, slowed and cheating: can the numbers be trusted?",
        "bench.commands.selftest.cli",
    ),
    ("race", "the working tree's kernels against a commit's, in one race", "bench.commands.race.cli"),
    ("new", "write a kernel of your own that already passes, to begin with", "bench.commands.new"),
)
"""Name, help, and the module that has the function of that name and `add_arguments`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    from bench.workloads.datasets import DatasetUnavailable

    try:
        code: int = chosen.command(chosen)
    except (ValueError, DatasetUnavailable) as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return exit_codes.USAGE
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        sys.stderr.close()
        return exit_codes.OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="List what can be measured, check kernels, print results. To time: pytest --benchmark.",
        allow_abbrev=False,
    )
    known = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text, path in COMMANDS:
        module = import_module(path)
        added = known.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(command=getattr(module, name))
        module.add_arguments(added)
    return parser


if __name__ == "__main__":
    sys.exit(main())
