"""How many times as fast as the baseline each kernel is."""

from __future__ import annotations

from typing import Any

import altair as alt

from bench.report.formatting import duration, format_interval, format_significant
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.report.race_tables import MEMORY, MEMORY_MEANING
from bench.report.rows import format_memory, memory_of_x
from bench.results.record import Results


def speedup(results: Results) -> Section:
    """A row for each kernel that has a speedup, with its 95% interval across launches."""
    rows = _rows(results)
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
            common.KERNEL,
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
        selectors=(common.workload_selector(results),),
        scale="x",
    )


def _rows(results: Results) -> list[dict[str, Any]]:
    rows = []
    for record, seconds, row in common.compared_rows(results):
        if (ratio := record.speedup) is None:
            continue
        is_baseline = ratio.baseline == record.kernel
        figures = format_interval(ratio) if ratio.low else format_significant(ratio.estimate)
        rows.append(
            row
            | {
                "baseline": ratio.baseline,
                "speedup": ratio.estimate,
                "low": ratio.low,
                "high": ratio.high,
                "figures": "1, the baseline" if is_baseline else figures,
                "verdict": "the baseline" if is_baseline else ratio.verdict,
                "seconds": seconds.estimate,
                "time": duration(seconds.estimate),
                "launches": record.launches,
            }
            | ({"memory": multiple} if (multiple := memory_of_x(record)) else {})
        )
    return rows
