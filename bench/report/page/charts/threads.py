"""Time per call against the number of threads."""

from __future__ import annotations

import altair as alt

from bench.report.formatting import duration
from bench.report.headline import race_name, several_threads
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Results


def threads(results: Results) -> Section:
    """A line for each kernel; no rows where the run has one number of threads only."""
    several = several_threads(results)
    races = {
        workload: list(dict.fromkeys(race_name(one, several) for one in results.records if one.workload == workload))
        for workload in {record.workload for record in results.records}
    }
    rows = [
        row
        | {
            "workload": record.workload,
            "race": races[record.workload],
            "threads": record.threads,
            "seconds": seconds.estimate,
            "low": seconds.low,
            "high": seconds.high,
            "time": duration(seconds.estimate),
        }
        for record, seconds, row in common.compared_rows(results)
        if several
    ]
    rows.sort(key=lambda row: row["threads"])
    scale = alt.Scale(type="log", nice=False, padding=8)
    base = alt.Chart(common.ROWS).encode(
        x=alt.X("threads:O", title="threads", axis=alt.Axis(labelAngle=0)), color=common.colour(), detail="kernel:N"
    )
    y = alt.Y("seconds:Q", scale=scale, axis=common.seconds_axis("time per call"))
    lines = base.mark_line(strokeWidth=1.6).encode(y=y, strokeDash=common.dash())
    spans = base.mark_rule(strokeWidth=2, opacity=0.5).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    points = base.mark_point().encode(
        y=y, shape=common.shape(), tooltip=common.tooltip(kernel="kernel", threads="threads", time="time per call")
    )
    return Section(
        name="threads",
        heading="Threads",
        fold=True,
        level=3,
        text=(
            "The time per call on the chosen workload, with every number of threads. A kernel that always uses one "
            "thread has a level line.",
        ),
        chart=common.to_spec(alt.layer(lines, spans, points), height=320),
        alt="Lines, one for each kernel: number of threads against time per call. The table below has the numbers.",
        columns=(
            Column("workload", "workload"),
            Column("threads", "threads", number=True),
            common.KERNEL,
            common.seconds_column("seconds", "time per call"),
            common.seconds_column("low", "low, 95%"),
            common.seconds_column("high", "high, 95%"),
        ),
        rows=tuple(rows),
        selectors=(common.workload_selector(results),),
    )
