"""`python -m bench kernels`, `workloads` and `machine`: what can be measured, and on which machine."""

from __future__ import annotations

import argparse

from bench.commands.exit_codes import OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `machine`; the other two commands have none."""
    if parser.get_default("command") is machine:
        parser.add_argument("--all", action="store_true", help="the machines in results/, with their newest figures")
        parser.add_argument("--markdown", action="store_true", help="with --all: the text of results/README.md")


def kernels(_chosen: argparse.Namespace) -> int:
    """Print the kernels, and whether each can run here."""
    from rich.console import Console

    from bench.report.formatting import reads_of_x
    from bench.report.table import Column, Table, number_columns, print_table
    from kernels import BackendUnavailable, load, names

    rows = []
    for name in names():
        try:
            kernel = load(name)
        except BackendUnavailable as unavailable:
            rows.append((name, "", "", f"unavailable: {unavailable}"))
        else:
            rows.append((name, kernel.backend.name, reads_of_x(kernel.passes), kernel.summary))
    columns = (Column("kernel"), Column("backend"), *number_columns("reads X"), Column("summary", wrap=True))
    print_table(Console(highlight=False), Table("", columns, rows))
    return OK


def workloads(_chosen: argparse.Namespace) -> int:
    """Print the workloads: their size, their bytes, and how long a run of all kernels takes."""
    from rich.console import Console

    from bench.host import resources
    from bench.report.formatting import clock
    from bench.report.table import Column, Table, number_columns, print_table
    from bench.runner import estimate
    from bench.runner.selection import choose_kernels
    from bench.runner.settings import Settings
    from bench.workloads import catalog

    rows = []
    for name in dict.fromkeys((*catalog.DEFAULT, *catalog.names())):
        workload = catalog.named(name)
        seconds = catalog.preparation_seconds(workload)
        seconds += estimate.race_seconds(
            choose_kernels(None), workload, Settings(ceilings=True), resources.usable_cores()
        )
        size = (f"{workload.m:,}", f"{workload.n:,}", f"{workload.bytes_of_x / 1e6:,.3g}")
        rows.append((name, *size, workload.baseline, clock(seconds), workload.summary))
    table = Table(
        title="",
        columns=(
            Column("workload"),
            *number_columns("m", "n", "X, MB"),
            Column("baseline"),
            *number_columns("takes"),
            Column("summary", wrap=True),
        ),
        rows=rows,
        notes=(
            "takes: a run of all kernels, about.",
            "Also: NAME-f32, NAME-F (Fortran order), and any size as MxN[-f32|-f64][-C|-F].",
        ),
    )
    print_table(Console(highlight=False), table)
    return OK


def machine(chosen: argparse.Namespace) -> int:
    """Print the fingerprint of this machine; with --all, the machines in results/."""
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

    runs = {name: [run_file.read(path) for path in paths] for name, paths in store.list_runs().items()}
    if chosen.markdown:
        print(machines.page(runs), end="")
    else:
        machines.summary(Console(highlight=False), runs)
    return OK
