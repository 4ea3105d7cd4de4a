"""`python -m bench check`: a kernel's certificate of agreement, or a results file's."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands.exit_codes import FAILED, OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command."""
    parser.add_argument(
        "kernel", metavar="KERNEL", help="a name, path/to/file.py:ATTRIBUTE, package.module:ATTRIBUTE, or RESULT.json"
    )
    parser.add_argument("--workloads", metavar="A,B", help="names or MxN (default: the default set)")
    parser.add_argument("--data", metavar="FILE", type=Path, help="your own .npz (X, y), .csv, .parquet or .svm")
    parser.add_argument("--target", metavar="COLUMN", help="the label column of --data (default: y)")


def check(chosen: argparse.Namespace) -> int:
    """A kernel's certificate of agreement, or a results file's."""
    if chosen.kernel.endswith(".json"):
        return _check_file(Path(chosen.kernel))
    from bench.runner.selection import choose_kernels, choose_workloads
    from bench.runner.session import Session
    from bench.runner.settings import Settings

    (candidate, *more) = choose_kernels(chosen.kernel)
    if more:
        raise ValueError(f"check takes one kernel; {chosen.kernel!r} names {1 + len(more)}")
    workloads = choose_workloads(chosen.workloads, chosen.data, chosen.target)
    session = Session([candidate], workloads, Settings(seconds=0))
    session.choose([(workload.name, candidate.name) for workload in workloads], baselines=False)
    session.run()
    agreed = True
    for race in session.races:
        workload, (entry,) = race.workload, race.launches(candidate.name)
        size = f"{workload.m:,} × {workload.n:,} {workload.dtype} {workload.order}"
        print(f"{candidate.name} on {workload.name}: {size}")
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
