"""Every kernel on every workload at a glance."""

from __future__ import annotations

from math import log
from typing import Any

import altair as alt

from bench.report.formatting import format_significant
from bench.report.page.charts import common
from bench.report.page.section import Section
from bench.results.record import Results

_FULL_COLOUR = 30
"""Times as fast or as slow as NumPy at which a cell has its full colour."""
Spec = dict[str, Any]


def heatmap(results: Results) -> Section:
    """Kernel × workload: times as fast as NumPy, which is timed on every workload."""
    rows = []
    for record, _seconds, row in common.compared_rows(results):
        if ratio := record.over_numpy:
            rows.append(
                row
                | {
                    "over": ratio.estimate,
                    "low": ratio.low,
                    "high": ratio.high,
                    "figures": format_significant(ratio.estimate, 2),
                    "strength": min(1.0, abs(log(ratio.estimate) / log(_FULL_COLOUR))),
                    "tint": "var(--numpy)" if ratio.estimate >= 1 else "var(--numba)",
                }
            )
    base = alt.Chart(common.ROWS).encode(
        x=alt.X(
            "race:N",
            sort=None,
            title=None,
            axis=alt.Axis(orient="top", labelAngle=-60, labelLimit=140, labelOverlap=False),
        ),
        y=alt.Y(
            "kernel:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelColor="var(--ink)"),
        ),
    )
    strength = alt.Opacity("strength:Q", scale=alt.Scale(domain=[0, 1], range=[0.05, 0.6], clamp=True), legend=None)
    cells = base.mark_rect(stroke="var(--paper)", strokeWidth=2).encode(
        fill=alt.Fill("tint:N", scale=None, legend=None),
        opacity=strength,
        tooltip=common.tooltip(kernel="kernel", race="workload", figures="times as fast as numpy"),
    )
    numbers = base.mark_text(fontSize=11).encode(text="figures:N")
    return Section(
        name="heatmap",
        heading="Every kernel on every workload",
        fold=True,
        level=3,
        text=(
            "How many times as fast as numpy. Blue is faster, orange is slower. "
            f"The colour is full at {_FULL_COLOUR} times.",
        ),
        chart=common.to_spec(alt.layer(cells, numbers), height={"step": 26}, right=40),
        alt=(
            "A grid of kernels and workloads: in each cell how many times as fast as numpy. The table below has "
            "the numbers."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            common.number_column("over", "times as fast as numpy"),
            common.number_column("low", "low, 95%"),
            common.number_column("high", "high, 95%"),
        ),
        rows=tuple(rows),
    )
