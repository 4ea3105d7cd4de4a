"""python -m bench: lists what can be measured, checks kernels, and prints results.

`pytest --benchmark` is what times. Slow imports stand inside the commands that need them, so that --help is fast.
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
        "check that a kernel is correct, without timing; or that a results file is fit for sharing",
        "bench.commands.check.cli",
    ),
    (
        "explain",
        "explain a kernel's speed: its machine code, memory traffic and threads",
        "bench.commands.explain.cli",
    ),
    ("report", "print a run, and write an HTML page of it", "bench.commands.report"),
    (
        "compare",
        "compare two or more runs: what differs between them, which times changed, and how sure that is",
        "bench.commands.compare.cli",
    ),
    (
        "selftest",
        "test the measuring itself with races of kernels against themselves, slowed kernels and cheating kernels",
        "bench.commands.selftest.cli",
    ),
    (
        "variance",
        "study where the spread of a kernel's time comes from: calls, rounds, launches, runs, and planted causes",
        "bench.commands.variance.cli",
    ),
    (
        "activation",
        "train networks of units max(z, 0) and of sigmoids: steps to a target cost, and what fades on the way",
        "bench.commands.activation.cli",
    ),
    (
        "scale",
        "fit networks to more and more examples, with more and more units: held-out log-loss, and seconds",
        "bench.commands.scale.cli",
    ),
    ("race", "race the working tree's kernels against a commit's", "bench.commands.race.cli"),
    ("new", "write a file with a kernel that passes all checks, as a start for your own", "bench.commands.new"),
)
"""Name, help text, and the module with a function of that name and `add_arguments`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code."""
    chosen = _parser().parse_args(arguments)
    from bench.host.sanitize import one_line
    from bench.workloads.datasets import DatasetUnavailable

    try:
        code: int = chosen.command(chosen)
    except (ValueError, DatasetUnavailable) as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return exit_codes.USAGE
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has closed it
        sys.stderr.close()
        return exit_codes.OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="List what can be measured, check kernels, print results. To time kernels: pytest --benchmark.",
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, help_text, module_name in COMMANDS:
        module = import_module(module_name)
        subparser = subparsers.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
        subparser.set_defaults(command=getattr(module, name))
        module.add_arguments(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
