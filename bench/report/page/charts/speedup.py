"""How many times as fast as the baseline each kernel is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import altair as alt

from bench.report import operations
from bench.report.formatting import duration, format_interval, format_significant
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.report.race_tables import MEMORY, MEMORY_MEANING
from bench.report.rows import format_memory, marked, memory_of_x
from bench.results.record import Results


def speedup(results: Results) -> Section:
    """A row for each kernel that has a speedup, with its 95% interval across launches."""
    rows = _rows(results)
    names = {record.kernel: marked(record) for record in results.records}
    observed = any("memory" in row for row in rows)
    chart = common.points_with_intervals(
        "speedup",
        common.log_axis("times as fast as the baseline", common.NUMBER_LABEL, decades_only=False),
        alt.Scale(type="log", nice=False, padding=14),
        {"at": 1, "text": "baseline"},
        common.tooltip(
            kernel="kernel",
            figures="times as fast",
            baseline="baseline",
            time="time per call",
            verdict="verdict",
            launches="launches",
        ),
    )
    return Section(
        name="speedup",
        heading="Speedup over the baseline",
        text=(
            "How many times as fast as the baseline each kernel is, on one workload at a time. The bar is the 95% "
            "interval across launches: how much the ratio may change when both kernels are started again. A bar that "
            "crosses the dashed line shows no difference.",
            *((f"In the table, {MEMORY}: {MEMORY_MEANING}.",) if observed else ()),
        ),
        chart=common.to_spec(chart, height={"step": 27}, top=18),
        alt=(
            "Points with intervals, a row for each kernel, fastest first: speedup over the baseline on a "
            "logarithmic scale. The table below has the numbers."
        ),
        columns=(
            common.RACE,
            replace(common.KERNEL, format=lambda kernel: names[kernel]),
            Column("baseline", "baseline"),
            common.number_column("speedup", "times as fast"),
            common.number_column("low", "low, 95%"),
            common.number_column("high", "high, 95%"),
            Column("verdict", "verdict"),
            common.seconds_column("seconds", "time per call"),
            *((Column("memory", MEMORY, format_memory, number=True),) if observed else ()),
            Column("launches", "launches", number=True),
        ),
        rows=tuple(rows),
        remarks=tuple(_remarks(results)),
        selectors=(common.workload_selector(results),),
        scale="x",
    )


def _remarks(results: Results) -> Iterator[dict[str, Any]]:
    """What the asterisk at a kernel's figures means."""
    for record, _, row in common.compared_rows(results):
        for text in operations.right_up_to(results, [record]).values():
            yield {"race": row["race"], "kernel": record.kernel, "text": f"{text}."}


def _rows(results: Results) -> list[dict[str, Any]]:
    rows = []
    for record, seconds, row in common.compared_rows(results):
        if (ratio := record.speedup) is None:
            continue
        is_baseline = ratio.baseline == record.kernel
        mark = marked(record).removeprefix(record.kernel)
        figures = format_interval(ratio) if ratio.low else format_significant(ratio.estimate)
        rows.append(
            row
            | {
                "baseline": ratio.baseline,
                "speedup": ratio.estimate,
                "low": ratio.low,
                "high": ratio.high,
                "figures": f"{'1, the baseline' if is_baseline else figures}{mark}",
                "verdict": "the baseline" if is_baseline else ratio.verdict,
                "seconds": seconds.estimate,
                "time": duration(seconds.estimate),
                "launches": record.launches,
            }
            | ({"memory": multiple} if (multiple := memory_of_x(record)) else {})
        )
    return rows
