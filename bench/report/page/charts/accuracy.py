"""The error of each kernel."""

from __future__ import annotations

import altair as alt

from bench.report.formatting import duration, format_significant
from bench.report.page.charts import common
from bench.report.page.document import Column, Section
from bench.results.record import Results


def accuracy(results: Results) -> Section:
    """Error against time: what speed costs, or does not."""
    rows = [
        row
        | {
            "seconds": seconds.median,
            "time": duration(seconds.median),
            "ulps": record.error.max_ulps,
            "bound": record.error.bound_fraction,
            "error": f"{format_significant(record.error.max_ulps)} ulps",
        }
        for record, seconds, row in common.common(results)
        if record.error and record.error.max_ulps > 0
    ]
    base = alt.Chart(common.ROWS).encode(
        x=alt.X(
            "seconds:Q",
            scale=alt.Scale(type="log", nice=False, padding=30),
            axis=common.seconds_axis("time of a call"),
        ),
        y=alt.Y(
            "ulps:Q",
            scale=alt.Scale(type="log", nice=False, padding=20),
            axis=common.log_axis("error, ulps", common.ROUND_LABEL),
        ),
    )
    points = base.mark_point().encode(
        color=common.colour(),
        shape=common.shape(),
        tooltip=common.tooltip(kernel="kernel", time="a call", error="error"),
    )
    names = base.mark_text(align="left", dx=8, fontSize=11).encode(text="kernel:N")
    return Section(
        name="accuracy",
        heading="Accuracy against speed",
        fold=True,
        level=3,
        text=(
            "The largest error of cost and gradient on the workload's own data, in units of the dtype's rounding "
            "of the terms that are summed, against the time of a call: down and left is better.",
        ),
        chart=common.finished(alt.layer(points, names.properties(name=f"{common.WIDE}_names")), height=300),
        alt="Points on logarithmic axes: time of a call against error in ulps. The table below has the numbers.",
        columns=(
            common.RACE,
            common.KERNEL,
            common.seconds_column("seconds", "a call"),
            common.number_column("ulps", "error, ulps"),
            Column("bound", "of what the bound allows", common.percent, number=True),
        ),
        rows=tuple(rows),
        choices=(common.choice(results),),
        series=common.legend(results, rows),
    )
