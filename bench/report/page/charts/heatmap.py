"""What only some will want: everything at a glance, the cold start, accuracy against speed, threads."""

from __future__ import annotations

from math import log
from typing import Any

import altair as alt

from bench.report.page.charts import common
from bench.report.page.document import Choice, Column, Section
from bench.report.terminal import duration, significant
from bench.results.record import Cold, Results

STEPS = {
    "import": "import_seconds",
    "place": "placement_seconds",
    "lower": "lower_seconds",
    "compile": "compile_seconds",
    "first call": "first_call_seconds",
}
_STEP_COLOURS = ("#8a8880", "#5f7f95", "#b08a00", "#c8500a", "#0072b2")
"""Of the steps, not of techniques; each has 3 to 1 on white and on black."""
_STRONGEST = 30
"""Times faster or slower than NumPy, from where on the heatmap's colour is at its full strength."""
Spec = dict[str, Any]


def heatmap(results: Results) -> Section:
    """Kernel × workload: times as fast as NumPy, which every workload has."""
    rows = []
    for record, _seconds, row in common.common(results):
        if ratio := record.over_numpy:
            rows.append(
                row
                | {
                    "over": ratio.estimate,
                    "low": ratio.low,
                    "high": ratio.high,
                    "figures": significant(ratio.estimate, 2),
                    "strength": min(1.0, abs(log(ratio.estimate) / log(_STRONGEST))),
                    "tint": "var(--numpy)" if ratio.estimate >= 1 else "var(--numba)",
                }
            )
    base = alt.Chart(common.ROWS).encode(
        x=alt.X(
            "race:N",
            sort=None,
            title=None,
            axis=alt.Axis(orient="top", labelAngle=-30, labelLimit=140, labelOverlap=False),
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
    words = base.mark_text(fontSize=11).encode(text="figures:N")
    return Section(
        name="heatmap",
        heading="Every kernel on every workload",
        fold=True,
        level=3,
        text=(f"How many times as fast as numpy. Blue is faster, orange slower, stronger up to {_STRONGEST} times.",),
        chart=common.finished(alt.layer(cells, words), height={"step": 26}),
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
        series=common.legend(results, rows),
    )


def cold(results: Results) -> Section:
    """What comes before the steady state, stacked."""
    rows = [
        row | {"step": step, "place": place, "seconds": seconds, "time": duration(seconds)}
        for record, _seconds, row in common.common(results)
        for place, (step, seconds) in enumerate(_steps(record.cold))
        if seconds
    ]
    chart = (
        alt.Chart(common.ROWS)
        .mark_bar(height=16)
        .encode(
            x=alt.X("seconds:Q", axis=common.linear_seconds("before the second call")),
            y=alt.Y("kernel:N", sort=None, title=None, axis=alt.Axis(labelColor="var(--ink)", labelFontSize=13)),
            color=alt.Color(
                "step:N",
                scale=alt.Scale(domain=list(STEPS), range=list(_STEP_COLOURS)),
                legend=alt.Legend(title=None, orient="top", labelColor="var(--ink)"),
            ),
            order=alt.Order("place:Q"),
            tooltip=common.tooltip(kernel="kernel", step="step", time="takes"),
        )
    )
    return Section(
        name="cold",
        heading="Cold start",
        fold=True,
        level=3,
        text=(
            "Before a kernel is at its speed: importing its libraries and starting them, placing X and y, "
            "lowering and compiling with an empty "
            "cache, the first call (with the compiling in it where a kernel cannot be asked to compile).",
        ),
        chart=common.finished(chart, height={"step": 27}),
        alt=(
            "Stacked bars, one for each kernel: seconds of importing, placing, lowering, compiling and the first "
            "call. The table below has the numbers."
        ),
        columns=(common.RACE, common.KERNEL, Column("step", "step"), common.seconds_column("seconds", "takes")),
        rows=tuple(rows),
        choices=(common.choice(results),),
        series=common.legend(results, rows),
    )


def _steps(measured: Cold) -> list[tuple[str, float | None]]:
    found = {step: getattr(measured, field) for step, field in STEPS.items()}
    if found["compile"] is None:
        found["compile"] = measured.compile_cached_seconds
    return list(found.items())


def accuracy(results: Results) -> Section:
    """Error against time: what speed costs, or does not."""
    rows = [
        row
        | {
            "seconds": seconds.median,
            "time": duration(seconds.median),
            "ulps": record.error.max_ulps,
            "bound": record.error.bound_fraction,
            "error": f"{significant(record.error.max_ulps)} ulps",
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
        choices=(Choice("workload", "workload", rows[0]["workload"] if rows else ""),),
        series=common.legend(results, rows),
    )
