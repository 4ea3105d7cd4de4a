"""What a kernel needs before its calls take their usual time."""

from __future__ import annotations

import altair as alt

from bench.report.formatting import duration
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Cold, Results

STEPS = {
    "import": "import_seconds",
    "place": "placement_seconds",
    "build": "build_seconds",
    "lower": "lower_seconds",
    "compile": "compile_seconds",
    "first call": "first_call_seconds",
}
_STEP_COLOURS = ("#8a8880", "#5f7f95", "#a8457f", "#b08a00", "#c8500a", "#0072b2")
"""Of the steps, not of techniques. Each has a contrast of 3 to 1 with white and with black."""


def cold_start(results: Results) -> Section:
    """A stacked bar for each kernel: the time of each step."""
    built = any(record.cold.build_seconds for record, _, _ in common.timed_rows(results))
    shown = {step: colour for step, colour in zip(STEPS, _STEP_COLOURS, strict=True) if step != "build" or built}
    rows = [
        row | {"step": step, "index": index, "seconds": seconds, "time": duration(seconds)}
        for record, _seconds, row in common.timed_rows(results)
        for index, (step, seconds) in enumerate(_steps(record.cold))
        if seconds
    ]
    chart = (
        alt.Chart(common.ROWS)
        .mark_bar(height=16)
        .encode(
            x=alt.X("seconds:Q", axis=common.linear_seconds("time before the second call")),
            y=alt.Y("kernel:N", sort=None, title=None, axis=alt.Axis(labelColor="var(--ink)", labelFontSize=13)),
            color=alt.Color(
                "step:N",
                scale=alt.Scale(domain=list(shown), range=list(shown.values())),
                legend=alt.Legend(title=None, orient="top", labelColor="var(--ink)"),
            ),
            order=alt.Order("index:Q"),
            tooltip=common.tooltip(kernel="kernel", step="step", time="time"),
        )
    )
    return Section(
        name="cold",
        heading="Cold start",
        fold=True,
        level=3,
        text=(
            "The steps before a kernel's calls take their usual time: import and start its libraries, place the data"
            f"{', build the call for this workload' if built else ''}, lower and compile with an empty cache, and "
            "the first call. Where a kernel cannot compile separately, its first call includes the compilation.",
        ),
        chart=common.to_spec(chart, height={"step": 27}),
        alt=(
            "Stacked bars, one for each kernel: seconds of each step, from the import to the first "
            "call. The table below has the numbers."
        ),
        columns=(common.RACE, common.KERNEL, Column("step", "step"), common.seconds_column("seconds", "time")),
        rows=tuple(rows),
        selectors=(common.workload_selector(results),),
    )


def _steps(measured: Cold) -> list[tuple[str, float | None]]:
    seconds = {step: getattr(measured, field) for step, field in STEPS.items()}
    if seconds["compile"] is None:
        seconds["compile"] = measured.compile_cached_seconds
    return list(seconds.items())
