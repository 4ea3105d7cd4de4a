"""python -m bench: what there is to measure, whether a kernel agrees, and what was measured.

Timing is pytest's: `pytest --benchmark`. Every import that costs time waits for the command that needs it,
so that --help answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.commands import exit_codes

USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    from bench.workloads.datasets import DatasetUnavailable

    try:
        code: int = chosen.command(chosen)
    except (ValueError, DatasetUnavailable) as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        sys.stderr.close()
        return exit_codes.OK
    return code


def _parser() -> argparse.ArgumentParser:
    from bench.commands.report import add_arguments as report_arguments

    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="List what can be measured, check kernels, print results. To time: pytest --benchmark.",
        allow_abbrev=False,
    )
    known = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = known.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(command=getattr(exit_codes, name))
        return added

    command("kernels", "list the kernels: what each does, and whether it can run here")
    command("workloads", "list the workloads: size, bytes, and how long a run of all kernels takes")
    machine = command("machine", "print this machine's fingerprint as JSON; or the machines with results")
    machine.add_argument("--all", action="store_true", help="the machines in results/, with their newest figures")
    machine.add_argument("--markdown", action="store_true", help="with --all: results/README.md")
    check = command(
        "check",
        "a kernel's certificate of agreement, without timing; or a results file's, for sharing",
    )
    check.add_argument(
        "kernel", metavar="KERNEL", help="a name, path/to/file.py:ATTRIBUTE, package.module:ATTRIBUTE, or RESULT.json"
    )
    check.add_argument("--workloads", metavar="A,B", help="names or MxN (default: the default set)")
    check.add_argument("--data", metavar="FILE", type=Path, help="your own .npz (X, y), .csv, .parquet or .svm")
    check.add_argument("--target", metavar="COLUMN", help="the label column of --data (default: y)")
    explain = command("explain", "why a kernel is as fast as it is: its machine code, memory and threads")
    explain.add_argument("kernel", metavar="KERNEL", help="as for check")
    explain.add_argument(
        "--workload", metavar="W", default="10000x32-f64", help="a name or MxN (default: %(default)s)"
    )
    report_arguments(command("report", "print a run, and make a page of it"))
    compare = command("compare", "two runs or more side by side: what differs, what changed, how sure that is")
    compare.add_argument(
        "runs", metavar="RUN", nargs="+", help="a results file, a machine's id, or latest (this machine's)"
    )
    compare.add_argument("--markdown", action="store_true", help="as Markdown tables")
    compare.add_argument("--output", metavar="FILE.html", type=Path, help="as a page with charts")
    selftest = command(
        "selftest",
        "races kernels against themselves, slowed and cheating: can the numbers be trusted?",
    )
    selftest.add_argument("--minutes", metavar="N", type=float, default=35.0, help="of races (default: 35)")
    selftest.add_argument("--threads", metavar="N", type=int, default=1, help="for every kernel (default: 1)")
    selftest.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        help="where its JSON goes (default: results/<machine>/selftest/)",
    )
    race = command("race", "the working tree's kernels against a commit's, in one race")
    race.add_argument("revision", metavar="REV", help="a branch, a tag or a commit, such as origin/main")
    race.add_argument("--kernels", metavar="A,B", help="default: those whose sources differ, else all on the CPU")
    race.add_argument("--workloads", metavar="A,B", help="default: 10000x32-f64,1000000x32-f32")
    race.add_argument("--threads", metavar="N", type=int, default=1, help="for every kernel (default: 1)")
    race.add_argument(
        "--minutes", metavar="N", type=float, default=10.0, help="at most, or five launches (default: 10)"
    )
    race.add_argument("--launches", metavar="N", type=int, help="start the workers so often, however long it takes")
    race.add_argument(
        "--fail-if-slower", metavar="PERCENT", type=float, default=2.0, help="what is shown fails (default: 2)"
    )
    new = command("new", "write a kernel of your own that already passes, to begin with")
    new.add_argument("file", metavar="FILE.py", type=Path)
    new.add_argument("--style", default="numpy", metavar="STYLE", help="numpy, numba or jax (default: numpy)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
