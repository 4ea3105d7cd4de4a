"""`python -m bench kernels`, `workloads` and `machine`: what there is to measure, and on what."""

from __future__ import annotations

import argparse

from bench.commands.exit_codes import OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command that the parser is for: only `machine` has any."""
    if parser.get_default("command") is machine:
        parser.add_argument("--all", action="store_true", help="the machines in results/, with their newest figures")
        parser.add_argument("--markdown", action="store_true", help="with --all: results/README.md")


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

    there = {name: [run_file.read(path) for path in paths] for name, paths in store.list_runs().items()}
    if chosen.markdown:
        print(machines.page(there), end="")
    else:
        machines.summary(Console(highlight=False), there)
    return OK
