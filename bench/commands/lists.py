"""`python -m bench kernels`, `workloads` and `machine`: what can be measured, and on which machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.commands.exit_codes import OK

if TYPE_CHECKING:
    from bench.report.table import Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `machine`; the other two commands have none."""
    if parser.get_default("command") is machine:
        parser.add_argument("--all", action="store_true", help="the machines in results/, with their newest figures")
        parser.add_argument("--markdown", action="store_true", help="with --all: the text of results/README.md")


def kernels(_chosen: argparse.Namespace) -> int:
    """Print the kernels of each operation, and whether each can run here."""
    from rich.console import Console

    from bench.report.table import print_table
    from kernels.registry import OPERATIONS

    console = Console(highlight=False)
    for position, operation in enumerate(OPERATIONS):
        if position:
            console.print()
        print_table(console, _kernels_of(operation))
    return OK


def _kernels_of(operation: str) -> Table:
    """The kernels that are the operation's own; a line below says which others it has."""
    from bench.report.formatting import reads_of_x
    from bench.report.table import Column, Table, number_columns
    from kernels import BackendUnavailable, load, load_operation
    from kernels.registry import DEFAULT_OPERATION, DRIVERS, KERNELS

    rows = []
    for name in KERNELS.get(operation, {}):
        try:
            kernel = load(name, operation)
        except BackendUnavailable as unavailable:
            rows.append((name, "", "", f"unavailable: {unavailable}"))
        else:
            rows.append((name, kernel.backend.name, reads_of_x(kernel.passes), kernel.summary))
    columns = (Column("kernel"), Column("backend"), *number_columns("reads X"), Column("summary", wrap=True))
    driver = DRIVERS.get(operation, "").partition(":")[0].replace(".", "/")
    notes = [f"Every {DEFAULT_OPERATION} kernel also runs here: {driver}.py calls it once a step."]
    return Table(f"{operation}: {load_operation(operation).summary}", columns, rows, notes if driver else ())


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
        seconds = workload.preparation_seconds
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
    console = Console(highlight=False)
    print_table(console, table)
    console.print()
    print_table(console, _other_operations())
    return OK


def _other_operations() -> Table:
    """How workloads of operations other than the default one are written, and what their numbers are."""
    from bench.report.table import Column, Table
    from bench.runner.selection import option_text
    from bench.workloads import catalog
    from kernels import load_operation
    from kernels.registry import DEFAULT_OPERATION, OPERATIONS

    rows, examples = [], []
    for name in OPERATIONS:
        if name == DEFAULT_OPERATION:
            continue
        operation = load_operation(name)
        rows.append((f"{name}:NAME", operation.summary))
        rows += [
            (f"  @{option}={'|'.join(of_it.names) or 'NUMBER'}", option_text(of_it))
            for option, of_it in operation.options.items()
        ]
        others = [
            f"@{option}={of_it.default // 10 or 1:g}" for option, of_it in operation.options.items() if of_it.default
        ]
        ending = "".join(others[:1])
        if operation.ending:
            ending = f"-{operation.ending.text({one: of_it.default for one, of_it in operation.options.items()})}"
        examples.append(f"{name}:{catalog.DEFAULT[0]}{ending}")
    notes = [f"Example: {', '.join(examples)}. Without a prefix, a NAME is a workload of {DEFAULT_OPERATION}."]
    return Table("", (Column("other operations"), Column("summary", wrap=True)), rows, notes)


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
