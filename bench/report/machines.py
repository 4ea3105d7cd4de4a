"""The machines that have results: a table for a terminal, and results/README.md. Pure: it takes what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from bench.differences import hardware, software
from bench.headline import Headline, headlines, largest
from bench.record import Ratio, Results
from bench.report.terminal import duration, interval, of_limit, significant

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
        counted = f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}, newest {newest.run['began'][:10]}"
        console.print(f"\n{identity}", style="bold")
        console.print(f"  {parts['CPU']}, {parts['cores']} cores, {parts['memory']}, GPU: {parts['GPU']}; {counted}")
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        for place, heading in enumerate(("workload", "fastest", "time", "× numpy", "of limit", "read")):
            table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=True)
        for found in headlines(newest):
            table.add_row(
                found.workload,
                found.fastest.kernel,
                duration(found.seconds),
                _ratio(found.over_numpy),
                of_limit(found.fastest),
                _rate(found),
            )
        console.print(table)


def page(machines: Machines) -> str:
    """results/README.md: a row for each machine, then its fingerprint and its newest run's figures."""
    lines = [
        _ABOUT,
        "| machine | CPU | cores | runs | newest | on | fastest | × numpy | of limit | reads |",
        "|---|---|--:|--:|---|---|---|--:|--:|--:|",
    ]
    for identity, runs in machines.items():
        parts, found = hardware(runs[-1]), largest(headlines(runs[-1]))
        row = [f"[{identity}](#{identity})", parts["CPU"], parts["cores"], len(runs), runs[-1].run["began"][:10]]
        if found:
            row += [found.workload, f"`{found.fastest.kernel}`", _ratio(found.over_numpy), of_limit(found.fastest)]
            row.append(_rate(found))
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
    for found in headlines(newest):
        over = found.over_baseline
        baseline = "-" if over is None else f"{_ratio(over)} × `{over.baseline}`"
        cells = (
            found.workload,
            str(found.threads),
            f"`{found.fastest.kernel}`",
            duration(found.seconds),
            _ratio(found.over_numpy),
            baseline,
            of_limit(found.fastest),
            _rate(found),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    return significant(ratio.estimate) if ratio.low is None else interval(ratio)


def _rate(found: Headline) -> str:
    return f"{significant((found.read_bytes_per_second or 0.0) / 1e9)} GB/s" if found.read_bytes_per_second else "-"
