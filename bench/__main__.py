"""python -m bench: what there is to measure, whether a kernel agrees, and what was measured.

Timing is pytest's: `pytest --benchmark`. Every import that costs time waits for the command that needs it,
so that --help answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    from bench.datasets import DatasetUnavailable

    try:
        code: int = chosen.command(chosen)
    except (ValueError, DatasetUnavailable) as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        sys.stderr.close()
        return OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="List what can be measured, check kernels, print results. To time: pytest --benchmark.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(command=run)
        return added

    command("kernels", _kernels, "list the kernels: what each does, and whether it can run here")
    command("workloads", _workloads, "list the workloads: size, bytes, and how long a run of all kernels takes")
    command("machine", _machine, "print this machine's fingerprint as JSON")
    check = command("check", _check, "a kernel's certificate of agreement with the reference, without any timing")
    check.add_argument(
        "kernel", metavar="KERNEL", help="a name, or path/to/file.py:ATTRIBUTE, or package.module:ATTRIBUTE"
    )
    check.add_argument("--workloads", metavar="A,B", help="names or MxN (default: the default set)")
    check.add_argument("--data", metavar="FILE", type=Path, help="your own .npz (X, y), .csv, .parquet or .svm")
    check.add_argument("--target", metavar="COLUMN", help="the label column of --data (default: y)")
    report = command("report", _report, "print what a results file holds")
    report.add_argument("file", metavar="FILE", type=Path, help="results/<machine>/<run>.json")
    report.add_argument("--markdown", action="store_true", help="as Markdown tables")
    report.add_argument("--fit", action="store_true", help="how time grows with m and n (a run of --profile full)")
    report.add_argument("--ladder", metavar="WORKLOAD", help="rung by rung, what each won over the one before it")
    selftest = command(
        "selftest",
        _selftest,
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
    return parser


def _kernels(_chosen: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from kernels import BackendUnavailable, load, names

    table = Table("kernel", "backend", "passes", "summary", box=None, pad_edge=False)
    for name in names():
        try:
            kernel = load(name)
        except BackendUnavailable as unavailable:
            table.add_row(name, "", "", escape(f"unavailable: {unavailable}"))
        else:
            passes = "?" if kernel.passes is None else f"{kernel.passes:g}"
            table.add_row(name, kernel.backend.name, passes, kernel.summary)
    Console(highlight=False).print(table)
    return OK


def _workloads(_chosen: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from bench import estimate, machine, workloads
    from bench.plan import Settings
    from bench.report.progress import clock
    from bench.selection import choose_kernels

    table = Table("workload", "m", "n", "X, MB", "baseline", "takes", "summary", box=None, pad_edge=False)
    for name in dict.fromkeys((*workloads.DEFAULT, *workloads.names())):
        workload = workloads.named(name)
        seconds = workloads.preparation_seconds(workload)
        seconds += estimate.race_seconds(choose_kernels(None), workload, Settings(), machine.usable_cores())
        size = (f"{workload.m:,}", f"{workload.n:,}", f"{workload.bytes_of_x / 1e6:,.3g}")
        table.add_row(name, *size, workload.baseline, clock(seconds), workload.summary)
    console = Console(highlight=False)
    console.print(table)
    console.print("Any of them also as NAME-f32, NAME-F (Fortran order); any size as MxN[-f32|-f64][-C|-F].")
    return OK


def _machine(_chosen: argparse.Namespace) -> int:
    import json

    from bench import machine

    print(json.dumps(machine.fingerprint(), indent=2))
    return OK


def _check(chosen: argparse.Namespace) -> int:
    from bench.plan import Settings
    from bench.selection import choose_kernels, choose_workloads
    from bench.session import Session

    (entrant, *more) = choose_kernels(chosen.kernel)
    if more:
        raise ValueError(f"check takes one kernel; {chosen.kernel!r} names {1 + len(more)}")
    workloads = choose_workloads(chosen.workloads, chosen.data, chosen.target)
    session = Session([entrant], workloads, Settings(seconds=0))
    session.choose([(workload.name, entrant.name) for workload in workloads], baselines=False)
    session.run()
    agreed = True
    for race in session.races:
        workload, (entry,) = race.workload, race.launches(entrant.name)
        size = f"{workload.m:,} × {workload.n:,} {workload.dtype} {workload.order}"
        print(f"{entrant.name} on {workload.name}: {size}")
        for finding in entry.findings:
            verdict = "agrees" if not finding["failure"] else "WRONG "
            error = ""
            if "max_ulps" in finding:
                error = f"{finding['max_ulps']:9.3g} ulps, {finding['bound_fraction']:8.2g} of the bound"
            print(f"  {finding['check']:13} {verdict} {error}".rstrip())
        print(f"  {entry.outcome}{f': {entry.reason}' if entry.reason else ''}")
        skipped = entry.outcome == "skipped" and chosen.workloads is None
        agreed = agreed and (entry.outcome == "ok" or skipped)
    return OK if agreed else FAILED


def _report(chosen: argparse.Namespace) -> int:
    from rich.console import Console

    from bench import record
    from bench.report import markdown, terminal

    results = record.read(chosen.file)
    if chosen.fit:
        from bench import fit
        from bench.report import fits

        fits.summary(Console(highlight=False), fit.fits(results.records), results.machine["id"])
    elif chosen.ladder:
        print(markdown.ladder(results, chosen.ladder), end="")
    elif chosen.markdown:
        print(markdown.tables(results), end="")
    else:
        terminal.summary(Console(highlight=False), results)
    return OK


def _selftest(chosen: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from rich.console import Console

    from bench import machine, record, selftest
    from bench.checkout import CHECKOUT, RESULTS, commit
    from bench.report import trust

    most = machine.usable_cores()
    if not 1 <= chosen.threads <= most:
        raise ValueError(f"--threads is {chosen.threads}; expected 1 to {most}")
    if not chosen.minutes > 0:
        raise ValueError(f"--minutes is {chosen.minutes:g}; expected more than 0")
    folder = chosen.results or RESULTS / machine.identity() / "selftest"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"results cannot be written to {chosen.results}: {error.strerror}") from None
    began = datetime.now(UTC)
    found = selftest.run(chosen.minutes, chosen.threads, lambda doing: print(doing, file=sys.stderr))
    document = {"began": began.isoformat(timespec="seconds"), "commit": commit(CHECKOUT), **found}
    path = record.write(folder / f"{began:%Y%m%dT%H%M%SZ}-{document['commit']}.json", {"selftest": document})
    trust.summary(Console(highlight=False), document)
    print(f"results: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")
    passed = selftest.passed(document)
    print("nothing speaks against this machine's numbers" if passed else "DO NOT TRUST this machine's numbers")
    return OK if passed else FAILED


if __name__ == "__main__":
    sys.exit(main())
