"""`python -m bench check`: whether a kernel is correct, or whether a results file can be shared."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands.exit_codes import FAILED, OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "kernel", metavar="KERNEL", help="a name, path/to/file.py:ATTRIBUTE, package.module:ATTRIBUTE, or RUN.json"
    )
    parser.add_argument("--workloads", metavar="A,B", help="names or MxN (default: the default set)")
    parser.add_argument("--data", metavar="FILE", type=Path, help="your own .npz (X, y), .csv, .parquet or .svm")
    parser.add_argument("--target", metavar="COLUMN", help="the label column of --data (default: y)")


def check(chosen: argparse.Namespace) -> int:
    """Print what each check of a kernel or of a results file shows."""
    if chosen.kernel.endswith(".json"):
        return _check_file(Path(chosen.kernel))
    from bench.report.notes import NOT_REACHED
    from bench.report.operations import numbers
    from bench.runner.selection import choose_kernels, choose_workloads, operations_of
    from bench.runner.session import Session
    from bench.runner.settings import Settings

    workloads = choose_workloads(chosen.workloads, chosen.data, chosen.target)
    (candidate, *more) = choose_kernels(chosen.kernel, operations=operations_of(workloads))
    if more:
        raise ValueError(f"check takes one kernel; {chosen.kernel!r} names {1 + len(more)}")
    session = Session([candidate], workloads, Settings(seconds=0))
    session.choose([(workload.name, candidate.name) for workload in workloads], baselines=False)
    session.run()
    passed = True
    for race in session.races:
        workload, (samples,) = race.workload, race.samples(candidate.name)
        chosen_numbers = numbers(workload.definition.options, race.details)
        size = f"{workload.m:,} × {workload.n:,} {workload.dtype} {workload.order}"
        print(f"{candidate.name} on {workload.name}: {size}{f', {chosen_numbers}' if chosen_numbers else ''}")
        for result in samples.check_results:
            verdict = "agrees" if not result["failure"] else "WRONG "
            error = ""
            for name, value in result.get("figures", {}).items():
                error += f"{value:9.3g} {name}, "
            if "bound_fraction" in result:
                error += f"{result['bound_fraction']:8.2g} of the bound"
            print(f"  {result['check']:13} {verdict} {error}".rstrip())
        if left_out := samples.kernel.get("left_out"):
            print(f"  left out, with scores above {samples.kernel['largest_score']:g}: {', '.join(left_out)}")
        print(f"  {samples.outcome}{f': {samples.reason}' if samples.reason else ''}")
        if not race.reached(candidate.name):
            print(f"  it {NOT_REACHED}")
        skipped = samples.outcome == "skipped" and chosen.workloads is None
        passed = passed and (samples.outcome == "ok" or skipped)
    return OK if passed else FAILED


def _check_file(path: Path) -> int:
    from bench.commands.check import results_file
    from bench.results import run_file

    document, results = run_file.read_document(path)
    run_file.require_whole(path.name, results)
    name = "/".join(path.resolve().parts[-2:])
    checked = results_file.check_file(name, document, results, results_file.local_names())
    for result in checked:
        print(f"{result.check:16} {result.failure or 'ok'}")
    return FAILED if any(result.failure for result in checked) else OK
