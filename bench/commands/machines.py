"""The machines that have results: a table for a terminal, and results/README.md. Pure: it takes what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.report.formatting import counted, duration, format_significant, interval
from bench.report.headline import main_race, races
from bench.report.rows import of_limit
from bench.results.describe import hardware, software
from bench.results.record import Ratio, Record, Results, Seconds

Machines = Mapping[str, Sequence[Results]]
"""Machine id → its runs, oldest first."""

_ABOUT = """# Results

One folder a machine, one file a run; [docs/record.md](../docs/record.md) describes them, and
[docs/compare.md](../docs/compare.md) says how to compare two. [CONTRIBUTING.md](../CONTRIBUTING.md) says how to add a
machine. `make results` writes this page from the files, and a test compares them. In brackets: the 95% interval
across launches.
"""
_HARDWARE = ("CPU", "architecture", "cores", "L1 cache", "L2 cache", "L3 cache", "memory", "GPU")
_SOFTWARE = ("system", "Python", "numpy", "numba", "jax", "scikit-learn", "BLAS", "BLAS built for")


def summary(console: Console, machines: Machines) -> None:
    """Print the machines: who they are, how many runs, and what the newest says."""
    if not machines:
        console.print("no machine has results yet: make bench makes some")
    for identity, runs in machines.items():
        newest = runs[-1]
        parts = hardware(newest)
        there = f"{parts['CPU']}, {parts['cores']} cores, {parts['memory']}, GPU: {parts['GPU']}"
        console.print(Text(f"\n{identity}", style="bold"))
        console.print(Text(f"  {there}; {counted(len(runs), 'run')}, newest {newest.run['began'][:10]}"))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        for place, heading in enumerate(("workload", "fastest", "time", "× numpy", "of limit", "read")):
            table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=True)
        for record, seconds in _fastest(newest):
            figures = (duration(seconds.median), _over_numpy(record), of_limit(record), _read(newest, record))
            table.add_row(*map(Text, (record.workload, record.kernel, *figures)))
        console.print(table)


def page(machines: Machines) -> str:
    """results/README.md: a row for each machine, then its fingerprint and its newest run's figures."""
    lines = [
        _ABOUT,
        "| machine | CPU | cores | runs | newest | on | fastest | × numpy | of limit | reads |",
        "|---|---|--:|--:|---|---|---|--:|--:|--:|",
    ]
    for identity, runs in machines.items():
        parts, measured = hardware(runs[-1]), main_race(runs[-1])
        row = [f"[{identity}](#{identity})", parts["CPU"], parts["cores"], len(runs), runs[-1].run["began"][:10]]
        if measured:
            record, _ = measured[-1]
            row += [record.workload, f"`{record.kernel}`", _over_numpy(record), of_limit(record)]
            row.append(_read(runs[-1], record))
        lines.append(f"| {' | '.join(map(str, row))} |")
    for identity, runs in machines.items():
        lines += ["", *_section(identity, runs[-1])]
    return "\n".join(lines) + "\n"


def _section(identity: str, newest: Results) -> list[str]:
    parts, libraries = hardware(newest), software(newest)
    lines = [
        f"## {identity}",
        "",
        f"- {'; '.join(f'{name}: {parts[name]}' for name in _HARDWARE if parts.get(name) is not None)}",
        f"- {'; '.join(f'{name}: {libraries[name]}' for name in _SOFTWARE if libraries.get(name) is not None)}",
    ]
    lines += [
        "",
        "| workload | threads | fastest | time per call | × numpy | over the baseline | of limit | reads |",
        "|---|--:|---|--:|--:|--:|--:|--:|",
    ]
    for record, seconds in _fastest(newest):
        cells = (
            record.workload,
            str(record.threads),
            f"`{record.kernel}`",
            duration(seconds.median),
            _over_numpy(record),
            _over_baseline(record),
            of_limit(record),
            _read(newest, record),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _fastest(results: Results) -> list[tuple[Record, Seconds]]:
    """Of each race that timed something, in the order of the run."""
    return [measured[-1] for measured in races(results)]


def _over_numpy(record: Record) -> str:
    return "-" if record.kernel == "numpy" else _ratio(record.over_numpy)


def _over_baseline(record: Record) -> str:
    over = record.speedup
    return "-" if over is None or over.baseline == record.kernel else f"{_ratio(over)} × `{over.baseline}`"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    return format_significant(ratio.estimate) if ratio.low is None else interval(ratio)


def _read(results: Results, record: Record) -> str:
    """How fast the machine reads X and y there; `-` where that was not measured."""
    key = record.workload, record.threads
    race = next(race for race in results.races if (race["workload"], race["threads"]) == key)
    rate = ((race.get("ceilings") or {}).get("read") or {}).get("bytes_per_second")
    return f"{format_significant(rate / 1e9)} GB/s" if rate else "-"
