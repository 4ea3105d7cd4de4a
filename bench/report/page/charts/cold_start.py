"""How long a kernel takes before it is at its speed."""

from __future__ import annotations

import altair as alt

from bench.report.formatting import duration
from bench.report.page.charts import common
from bench.report.page.document import Column, Section
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
