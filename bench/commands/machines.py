"""The machines that have results, in the terminal and as results/README.md. Pure: from results already read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.report.formatting import counted, duration, format_interval, format_significant
from bench.report.headline import main_race
from bench.report.machine import processor
from bench.report.rows import measured_races, of_ceiling, race_of, reached
from bench.report.table import Column, Table, kernel_column, markdown_lines, number_columns, print_table
from bench.results.describe import hardware, software
from bench.results.record import Ratio, Record, Results
from kernels.registry import DEFAULT_OPERATION

Machines = Mapping[str, Sequence[Results]]
"""Machine id → its runs, oldest first."""

_ABOUT = """# Results

Each machine has a folder, each run a file. [docs/record.md](../docs/record.md) describes the files,
[docs/compare.md](../docs/compare.md) says how to compare two, and [CONTRIBUTING.md](../CONTRIBUTING.md) says how to
add a machine. `make results` writes this page from the files; a test compares them. In brackets: the 95% interval
across launches.
"""
_SEVERAL = 3
"""`--profile quick` has as many. A run of one operation or of a part of the workloads says less of a machine."""
_HARDWARE = ("CPU", "architecture", "cores", "L1 cache", "L2 cache", "L3 cache", "memory", "GPU")
_SOFTWARE = ("system", "Python", "numpy", "numba", "jax", "scikit-learn", "BLAS", "BLAS built for")


def summary(console: Console, machines: Machines) -> None:
    """Print each machine: its hardware, the number of its runs, and the fastest kernels of the newest."""
    if not machines:
        console.print("no machine has results yet: run make bench")
    for identity, runs in machines.items():
        newest, parts = _shown(runs), _hardware(runs[-1])
        about = f"{parts['CPU']}, {parts['cores']} cores, {parts['memory']}, GPU: {parts['GPU']}"
        console.print(Text(f"\n{identity}", style="bold"))
        console.print(Text(f"  {about}; {counted(len(runs), 'run')}, newest {newest.run['began'][:10]}"))
        print_table(console, _fastest_table(newest).without("threads", "× baseline"))


def page(machines: Machines) -> str:
    """results/README.md: a row for each machine, then its fingerprint and its newest run's figures."""
    lines = [_ABOUT, *markdown_lines(_machine_table(machines))]
    for identity, runs in machines.items():
        lines += ["", *_section(identity, _shown(runs))]
    return "\n".join(lines) + "\n"


def _shown(runs: Sequence[Results]) -> Results:
    """The newest run with the gradient on several workloads, as every profile has it; else the newest."""

    def workloads(run: Results) -> int:
        return len({record.workload for record in run.records if record.operation == DEFAULT_OPERATION})

    return next((run for run in reversed(runs) if workloads(run) >= _SEVERAL), runs[-1])


def _machine_table(machines: Machines) -> Table:
    """A row for each machine, with the fastest kernel of its newest run's main race."""
    rows = []
    for identity, runs in machines.items():
        newest, parts = _shown(runs), _hardware(runs[-1])
        measured = reached(main_race(newest))
        about = (parts["CPU"], str(parts["cores"]), str(len(runs)), newest.run["began"][:10])
        figures = ("-",) * 5
        if measured:
            fastest, _ = measured[-1]
            figures = (
                fastest.workload, fastest.kernel, _over_numpy(fastest), of_ceiling(fastest),
                _read_rate(newest, fastest),
            )  # fmt: skip
        rows.append((f"[{identity}](#{identity})", *about, *figures))
    columns = (
        *(Column("machine"), Column("CPU"), *number_columns("cores", "runs"), Column("newest"), Column("workload")),
        *(kernel_column("fastest"), *number_columns("× numpy", "of ceiling", "read rate")),
    )
    return Table("", columns, rows)


def _section(identity: str, newest: Results) -> list[str]:
    parts, libraries = _hardware(newest), software(newest)
    return [
        f"## {identity}",
        "",
        f"- {'; '.join(f'{name}: {parts[name]}' for name in _HARDWARE if parts.get(name) is not None)}",
        f"- {'; '.join(f'{name}: {libraries[name]}' for name in _SOFTWARE if libraries.get(name) is not None)}",
        "",
        *markdown_lines(_fastest_table(newest)),
    ]


def _hardware(results: Results) -> dict[str, Any]:
    """The hardware, the processor with what is known beyond its name."""
    return hardware(results) | {"CPU": processor(results.machine)}


def _fastest_table(results: Results) -> Table:
    """The fastest kernel of each race that got to where its operation asks it to, in the order of the run."""
    rows = [
        (
            record.workload,
            str(record.threads),
            record.kernel,
            duration(seconds.estimate),
            _over_numpy(record),
            _over_baseline(record),
            of_ceiling(record),
            _read_rate(results, record),
        )
        for measured in measured_races(results)
        for record, seconds in reached(measured)[-1:]
    ]
    numbers = number_columns("time/call", "× numpy", "× baseline", "of ceiling", "read rate")
    return Table("", (Column("workload"), *number_columns("threads"), kernel_column("fastest"), *numbers), rows)


def _over_numpy(record: Record) -> str:
    return "-" if record.kernel == "numpy" else _ratio(record.over_numpy)


def _over_baseline(record: Record) -> str:
    ratio = record.speedup
    return "-" if ratio is None or ratio.baseline == record.kernel else f"{_ratio(ratio)} ({ratio.baseline})"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    return format_significant(ratio.estimate) if ratio.low is None else format_interval(ratio)


def _read_rate(results: Results, record: Record) -> str:
    """How fast the machine reads X and y in that race; `-` where that was not measured."""
    rate = ((race_of(results, record).get("ceilings") or {}).get("read") or {}).get("bytes_per_second")
    return f"{format_significant(rate / 1e9)} GB/s" if rate else "-"
