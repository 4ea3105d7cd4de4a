"""Speed against the number of threads."""

from __future__ import annotations

import altair as alt

from bench.report.formatting import duration
from bench.report.page.charts import common
from bench.report.page.document import Column, Section, Selector
from bench.results.record import Results


def threads(results: Results) -> Section:
    """Time against the number of threads; no rows where the run has one number only."""
    counts = {record.threads for record in results.records}
    rows = [
        row
        | {
            "workload": record.workload,
            "threads": record.threads,
            "seconds": seconds.median,
            "low": seconds.low,
            "high": seconds.high,
            "time": duration(seconds.median),
        }
        for record, seconds, row in common.common(results)
        if len(counts) > 1
    ]
    rows.sort(key=lambda row: row["threads"])
    scale = alt.Scale(type="log", nice=False, padding=8)
    base = alt.Chart(common.ROWS).encode(
        x=alt.X("threads:O", title="threads", axis=alt.Axis(labelAngle=0)), color=common.colour(), detail="kernel:N"
    )
    y = alt.Y("seconds:Q", scale=scale, axis=common.seconds_axis("time of a call"))
    lines = base.mark_line(strokeWidth=1.6).encode(y=y, strokeDash=common.dash())
    spans = base.mark_rule(strokeWidth=2, opacity=0.5).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    points = base.mark_point().encode(
        y=y, shape=common.shape(), tooltip=common.tooltip(kernel="kernel", threads="threads", time="a call")
    )
    return Section(
        name="threads",
        heading="Threads",
        fold=True,
        level=3,
        text=(
            "What more threads bring each kernel. Kernels that use one thread whatever they are given stay level.",
        ),
        chart=common.finished(alt.layer(lines, spans, points), height=320),
        alt="Lines, one for each kernel: number of threads against time of a call. The table below has the numbers.",
        columns=(
            Column("workload", "workload"),
            Column("threads", "threads", number=True),
            common.KERNEL,
            common.seconds_column("seconds", "a call"),
            common.seconds_column("low", "low, 95%"),
            common.seconds_column("high", "high, 95%"),
        ),
        rows=tuple(rows),
        choices=(Selector("workload", "workload", rows[0]["workload"] if rows else ""),),
        series=common.legend(results, rows),
    )
