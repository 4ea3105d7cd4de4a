"""What each command of `python -m bench` does. Every import that costs time waits for the command that needs it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

OK, FAILED, INTERRUPTED = 0, 1, 130


def kernels(_chosen: argparse.Namespace) -> int:
    """The kernels, and whether each can run here."""
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


def workloads(_chosen: argparse.Namespace) -> int:
    """The workloads: size, bytes, and how long a run of all kernels takes."""
    from rich.console import Console
    from rich.table import Table

    from bench.host import resources
    from bench.report.formatting import clock
    from bench.runner import estimate
    from bench.runner.selection import choose_kernels
    from bench.runner.settings import Settings
    from bench.workloads import catalog

    table = Table("workload", "m", "n", "X, MB", "baseline", "takes", "summary", box=None, pad_edge=False)
    for name in dict.fromkeys((*catalog.DEFAULT, *catalog.names())):
        workload = catalog.named(name)
        seconds = catalog.preparation_seconds(workload)
        seconds += estimate.race_seconds(
            choose_kernels(None), workload, Settings(ceilings=True), resources.usable_cores()
        )
        size = (f"{workload.m:,}", f"{workload.n:,}", f"{workload.bytes_of_x / 1e6:,.3g}")
        table.add_row(name, *size, workload.baseline, clock(seconds), workload.summary)
    console = Console(highlight=False)
    console.print(table)
    console.print("Any of them also as NAME-f32, NAME-F (Fortran order); any size as MxN[-f32|-f64][-C|-F].")
    return OK


def machine(chosen: argparse.Namespace) -> int:
    """The fingerprint of this machine; with --all, what is in results/."""
    import json

    from bench.host import machine

    if chosen.all:
        return _machines(chosen)
    print(json.dumps(machine.fingerprint(), indent=2))
    return OK


def _machines(chosen: argparse.Namespace) -> int:
    from rich.console import Console

    from bench.commands import machines
    from bench.results import run_file, store

    there = {name: [run_file.read(path) for path in paths] for name, paths in store.files().items()}
    if chosen.markdown:
        print(machines.page(there), end="")
    else:
        machines.summary(Console(highlight=False), there)
    return OK


def _check_file(path: Path) -> int:
    import json

    from bench.commands.check import results_file
    from bench.results import run_file

    results, document = run_file.read(path), json.loads(path.read_text())
    run_file.require_whole(path.name, results)
    name = "/".join(path.resolve().parts[-2:])
    found = results_file.findings(name, document, results, results_file.here())
    for finding in found:
        print(f"{finding.check:16} {finding.wrong or 'ok'}")
    return FAILED if any(finding.wrong for finding in found) else OK


def check(chosen: argparse.Namespace) -> int:
    """A kernel's certificate of agreement, or a results file's."""
    if chosen.kernel.endswith(".json"):
        return _check_file(Path(chosen.kernel))
    from bench.runner.selection import choose_kernels, choose_workloads
    from bench.runner.session import Session
    from bench.runner.settings import Settings

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


def explain(chosen: argparse.Namespace) -> int:
    """Why a kernel is as fast as it is."""
    from rich.console import Console

    from bench.commands.explain.cli import explain
    from bench.commands.explain.text import show
    from bench.worker.messages import Ended
    from kernels.registry import identify

    try:
        found = explain(chosen.kernel, chosen.workload)
    except Ended as ended:
        print(f"{identify(chosen.kernel)} on {chosen.workload}: {ended.outcome}: {ended.reason}")
        return FAILED
    show(Console(highlight=False), found)
    return OK


def report(chosen: argparse.Namespace) -> int:
    """A run in the terminal and as a page."""
    from bench.commands.report import run

    return run(chosen)


def compare(chosen: argparse.Namespace) -> int:
    """Runs side by side."""
    from rich.console import Console

    from bench.commands.compare import text as compare_text
    from bench.commands.compare.compare import compare
    from bench.report import output
    from bench.results import store

    runs = store.runs(chosen.runs)
    differing, found = compare(runs)
    if chosen.output:
        output.require_page(chosen.output)
        from bench.commands.compare.page import page

        output.write(chosen.output, page(runs, differing, found))
        print(chosen.output)
    elif chosen.markdown:
        print(compare_text.markdown(runs, differing, found), end="")
    else:
        compare_text.summary(Console(highlight=False), runs, differing, found)
    return OK


def selftest(chosen: argparse.Namespace) -> int:
    """Can the numbers be trusted here?"""
    from datetime import UTC, datetime
    from tempfile import TemporaryFile

    from rich.console import Console

    from bench.commands.selftest import selftest, summary
    from bench.commands.selftest import text as selftest_text
    from bench.host import machine, resources
    from bench.host.checkout import CHECKOUT, RESULTS, commit
    from bench.results import run_file

    most = resources.usable_cores()
    if not 1 <= chosen.threads <= most:
        raise ValueError(f"--threads is {chosen.threads}; expected 1 to {most}")
    if not chosen.minutes > 0:
        raise ValueError(f"--minutes is {chosen.minutes:g}; expected more than 0")
    folder = chosen.results or RESULTS / machine.identity() / "selftest"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"results cannot be written to {chosen.results or 'results/'}: {error.strerror}") from None
    began = datetime.now(UTC)
    found = selftest.run(chosen.minutes, chosen.threads, lambda doing: print(doing, file=sys.stderr))
    document = {"began": began.isoformat(timespec="seconds"), "commit": commit(CHECKOUT), **found}
    path = run_file.write(folder / f"{began:%Y%m%dT%H%M%SZ}-{document['commit']}.json", {"selftest": document})
    selftest_text.summary(Console(highlight=False), document)
    print(f"results: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")
    passed = summary.passed(document)
    print("nothing speaks against this machine's numbers" if passed else "DO NOT TRUST this machine's numbers")
    return OK if passed else FAILED


def race(chosen: argparse.Namespace) -> int:
    """The working tree's kernels against a commit's."""
    from rich.console import Console

    from bench.commands.race import revisions
    from bench.commands.race import text as race_text
    from bench.host import machine

    asked = (chosen.revision, chosen.kernels, chosen.workloads, chosen.threads, chosen.minutes, chosen.launches)
    live = race_text.progress(Console(stderr=True))
    wanted = revisions.Wanted(*asked, chosen.fail_if_slower)
    found = revisions.run(wanted, lambda line: print(line, file=sys.stderr), live)
    live("", 1.0)
    race_text.summary(Console(highlight=False), found, machine.identity(), chosen.threads)
    return INTERRUPTED if found.interrupted else FAILED if found.failures else OK


def new(chosen: argparse.Namespace) -> int:
    """A kernel file to begin with."""
    from bench.commands import new

    print(*new.write(chosen.file, chosen.style), sep="\n")
    return OK
