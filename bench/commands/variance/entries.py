"""From a study's document to its entries: one for each kernel, workload, number of threads and condition. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import fmean, median
from typing import Any

from bench.analysis import scatter, variance
from bench.analysis.variance import Launch, Spread
from bench.commands.variance.document import Study, Unit

Series = list[dict[int, Sequence[float]]]
"""For each run: launch → the seconds of its rounds."""


@dataclass(frozen=True)
class Entry:
    """The spread of a kernel's time, or of the logarithm of its ratio over the baseline."""

    workload: str
    threads: int
    condition: str
    kernel: str
    over: str
    """The baseline; empty for times."""
    seconds: float
    """The median of a call."""
    calls: float | None
    """The robust relative standard deviation of single calls; of a ratio None."""
    rounds_predicted: float | None
    """What single calls predict for rounds."""
    spread: Spread
    launch_seconds: float | None
    """Wall time of one launch of the whole race on the workload; None where there was no race."""
    round_seconds: float | None
    """Wall time of one more round, of all kernels of the race."""
    others: float
    """The largest share of a core that other processes used, and the host stole, in a launch."""
    launches: int
    counts_all: int
    """Launches in which disturbed sweeps count as well."""

    @property
    def place(self) -> tuple[str, int, str, str]:
        """All but the condition."""
        return self.workload, self.threads, self.kernel, self.over


def entries(study: Study) -> list[Entry]:
    """All entries: times first, then ratios, for each workload, number of threads, kernel and condition."""
    made = []
    groups: dict[tuple[str, int], list[Unit]] = {}
    for unit in study["units"]:
        groups.setdefault((unit["condition"], unit["threads"]), []).append(unit)
    for workload, baseline in study["baselines"].items():
        for (condition, threads), units in groups.items():
            series = _all_series(units, workload)
            calls = _call_spreads(units, workload)
            for kernel, own in series.items():
                times = [{launch: (rounds,) for launch, rounds in run.items()} for run in own]
                key = workload, threads, condition, kernel
                spread_of_calls, predicted = calls.get(kernel, (None, None))
                made.append(_entry(units, *key, "", own, times, spread_of_calls, predicted))
                if baseline in series and kernel != baseline:
                    predicted_over = calls.get(baseline, (None, None))[1]
                    both = hypot(predicted, predicted_over) if predicted and predicted_over else None
                    made.append(_entry(units, *key, baseline, own, _ratios(series[baseline], own), None, both))
    kept = [entry for entry in made if entry is not None]
    kernels = list(dict.fromkeys(entry.kernel for entry in kept))
    return sorted(kept, key=lambda one: (one.workload, one.threads, one.over != "", kernels.index(one.kernel)))


def _all_series(units: Sequence[Unit], workload: str) -> dict[str, Series]:
    """Kernel → its series, for kernels that failed in no run. Where there was no race, the calls' rounds count."""
    failed = {name for unit in units for name in unit["failures"]}
    series: dict[str, Series] = {}
    for number, unit in enumerate(units):
        rows = unit["rounds"]["rows"] or unit["calls"]["rows"]
        for row in rows:
            if row["workload"] != workload or f"{row['kernel']} on {workload}" in failed or not row["seconds"]:
                continue
            runs = series.setdefault(row["kernel"], [{} for _ in units])
            runs[number][row["launch"]] = row["seconds"]
    return series


def _ratios(over: Series, own: Series) -> list[dict[int, Launch]]:
    """As `Race.log_ratios`: of the baseline's time to the kernel's."""
    return [
        {launch: (base[launch], run[launch]) for launch in run if launch in base}
        for base, run in zip(over, own, strict=True)
    ]


def _call_spreads(units: Sequence[Unit], workload: str) -> dict[str, tuple[float, float]]:
    """Kernel → the spread of its single calls, and what it predicts for rounds of as many calls."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for unit in units:
        for row in unit["calls"]["rows"]:
            if row["workload"] == workload:
                rows.setdefault(row["kernel"], []).append(row)
    spreads = {}
    for kernel, of_kernel in rows.items():
        calls = round(median(row["iterations"] for row in of_kernel))
        columns = [
            [value for row in of_kernel for value in row[field]]
            for field in ("seconds", "median", "deviation", "standard_deviation")
        ]
        spread = scatter.call_deviation(calls, *columns)
        spreads[kernel] = spread, spread / sqrt(calls)
    return spreads


def _entry(
    units: Sequence[Unit],
    workload: str,
    threads: int,
    condition: str,
    kernel: str,
    over: str,
    own: Series,
    launches: Iterable[Mapping[int, Launch]],
    calls: float | None,
    predicted: float | None,
) -> Entry | None:
    spread = variance.spread([list(run.values()) for run in launches])
    if spread is None:
        return None
    rows = [row for unit in units for row in unit["launches"]["rows"] if row["workload"] == workload]
    return Entry(
        workload,
        threads,
        condition,
        kernel,
        over,
        median(seconds for run in own for rounds in run.values() for seconds in rounds),
        calls,
        predicted,
        spread,
        fmean(row["wall_seconds"] for row in rows) if rows else None,
        fmean(row["rounds_seconds"] for row in rows) / spread.rounds_per_launch if rows else None,
        max(((row["stolen"] or 0.0) + (row["others"] or 0.0) for row in rows), default=0.0),
        sum(map(len, own)),
        sum(bool(row["counts_all"]) for row in rows),
    )
