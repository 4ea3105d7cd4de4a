"""Who is first on which workload: a table of a run with several workloads of one operation."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.formatting import format_interval
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Record, Results


def fastest(results: Results) -> Iterator[Section]:
    """For each operation with two races or more: the fastest kernel of each, and what it gains over the baseline."""
    rows = common.compared_rows(results)
    for operation in dict.fromkeys(record.operation for record, _, _ in rows):
        races: dict[str, list[tuple[Record, float]]] = {}
        for record, seconds, row in rows:
            if record.operation == operation:
                races.setdefault(row["race"], []).append((record, seconds.estimate))
        if len(races) < 2:
            continue
        first = {race: kernels[0] for race, kernels in races.items()}
        over = next((record.speedup.baseline for record, _ in first.values() if record.speedup), "")
        yield Section(
            name=f"fastest-{operation}",
            heading=f"The fastest on each workload: {operation}",
            text=(
                "Once compiled. The last column says after how many calls importing, compiling and the first call "
                "have paid, against the kernel that it is compared with: “never” where that is as fast.",
            ),
            columns=(
                Column("race", "workload"),
                Column("size", "examples × features"),
                Column("kernel", "kernel"),
                common.seconds_column("seconds", "time of a call"),
                Column("ratio", f"times as fast as {over or 'the baseline'}"),
                Column("pays", "has paid after"),
            ),
            rows=tuple(
                {
                    "race": race,
                    "size": f"{record.m:,} × {record.n:,}",
                    "kernel": record.kernel,
                    "seconds": seconds,
                    "ratio": _ratio(record, over),
                    "pays": _pays(record),
                }
                for race, (record, seconds) in first.items()
            ),
        )


def _ratio(record: Record, over: str) -> str:
    ratio = record.speedup
    if ratio is None or ratio.baseline == record.kernel:
        return "-"
    text = format_interval(ratio) if ratio.low is not None else f"{ratio.estimate:.3g}"
    return text if ratio.baseline == over else f"{text} ({ratio.baseline})"


def _pays(record: Record) -> str:
    compared = record.speedup.baseline if record.speedup else ""
    if compared not in (record.break_even or {}):
        return "-"
    calls = (record.break_even or {})[compared]
    return "never" if calls is None else f"{calls:,} {'call' if calls == 1 else 'calls'}"
