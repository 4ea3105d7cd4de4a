"""The error of each kernel against its time."""

from __future__ import annotations

from math import log10
from typing import Any

import altair as alt

from bench.report.formatting import duration, format_significant
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Results

_HEIGHT = 300
Spec = dict[str, Any]


def accuracy(results: Results) -> Section:
    """A point for each kernel: time per call and largest error."""
    rows = [
        row
        | {
            "seconds": seconds.median,
            "time": duration(seconds.median),
            "ulps": record.error.max_ulps,
            "bound": record.error.bound_fraction,
            "error": f"{format_significant(record.error.max_ulps)} ulps",
        }
        for record, seconds, row in common.timed_rows(results)
        if record.error and record.error.max_ulps > 0
    ]
    for race in dict.fromkeys(row["race"] for row in rows):
        _label([row for row in rows if row["race"] == race])
    scale = alt.Scale(type="log", nice=False, padding=20)
    base = alt.Chart(common.ROWS).encode(
        x=alt.X(
            "seconds:Q",
            scale=alt.Scale(type="log", nice=False, padding=30),
            axis=common.seconds_axis("time per call"),
        ),
        y=alt.Y(
            "ulps:Q",
            scale=scale,
            axis=common.log_axis("ulps", common.ROUND_LABEL),
        ),
    )
    points = base.mark_point().encode(
        color=common.colour(),
        shape=common.shape(),
        tooltip=common.tooltip(kernel="kernel", time="time per call", error="error"),
    )
    names = base.mark_text(align="left", dx=8, fontSize=11).encode(y=alt.Y("label:Q", scale=scale), text="kernel:N")
    return Section(
        name="accuracy",
        heading="Accuracy against speed",
        fold=True,
        level=3,
        text=(
            "The largest error of cost and gradient on the workload's own data against the time per call. The error "
            "is in ulps: units of the dtype's rounding of the terms of the sum. Lower and further left is better.",
        ),
        chart=common.to_spec(alt.layer(points, names.properties(name=f"{common.WIDE}_names")), height=_HEIGHT),
        alt="Points on logarithmic axes: time per call against error in ulps. The table below has the numbers.",
        columns=(
            common.RACE,
            common.KERNEL,
            common.seconds_column("seconds", "time per call"),
            common.number_column("ulps", "ulps"),
            Column("bound", "of the error bound", common.percent, number=True),
        ),
        rows=tuple(rows),
        selectors=(common.workload_selector(results),),
    )


def _label(rows: list[Spec]) -> None:
    """Place the names of neighbours without overlap: a name is as wide as about an eighth of the chart."""
    times = [log10(row["seconds"]) for row in rows]
    errors = [log10(row["ulps"]) for row in rows]
    width = (max(times) - min(times)) / 8
    height = 14 * (max(errors) - min(errors) or 1) / _HEIGHT
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or times[end] - times[end - 1] > width:
            positions = common.spread_labels(errors[start:end], height)
            for row, position in zip(rows[start:end], positions, strict=True):
                row["label"] = 10**position
            start = end
