"""Runs side by side as a page: which sections it has, in which order; a dumbbell of times, forests of ratios.

Pure: comparisons in, the file's text out. It imports Altair, so it is imported only when a page is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from bench.commands.compare import text
from bench.commands.compare.compare import Comparison
from bench.commands.compare.differences import Difference
from bench.report.formatting import duration
from bench.report.page import document, palette
from bench.report.page.charts import common
from bench.report.page.document import Column, PageHeader, Section, Selector
from bench.results.store import Run

_VERDICTS = ("faster", "slower", "no difference shown")
_COLOURS = ("#1f83c9", "#d9601a", "#8a8880")
"""Blue, vermilion and grey (after Okabe and Ito), which stand out on white and on black."""
_LOGARITHMIC = alt.Scale(type="log", nice=False, padding=14)
_FIGURES = 118
"""Pixels for the figures at the right of a row: 17 letters of 7."""
_ABOVE = alt.Legend(orient="top", labelColor="var(--ink)")
_ROW = {"step": 24}
"""Pixels."""


def page(runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]) -> str:
    """The whole page."""
    names = text.run_labels(runs)
    print_summary = [
        line for name, one in zip(names[1:], found, strict=True) for line in text.print_summary(one, name)
    ]
    warnings = dict.fromkeys(line for one in found for line in text.warnings(one))
    lead = PageHeader("; ".join(text.legend(runs)), sentences=tuple(print_summary), warnings=tuple(warnings))
    return document.page("Runs compared", sections(runs, differing, found), lead, palette.css())


def sections(runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]) -> list[Section]:
    """Those that there is something to show in."""
    charts = (dumbbells(runs, found), forest(runs, found), forest(runs, found, normalised=True))
    return [section for section in (*charts, _differences(runs, differing)) if section.rows]


def _differences(runs: Sequence[Run], differing: Sequence[Difference]) -> Section:
    names = text.run_labels(runs)
    return Section(
        name="differences",
        heading="What differs",
        columns=(Column("group", ""), Column("name", ""), *(Column(name, name) for name in names)),
        rows=tuple(
            {"group": one.group, "name": one.name} | dict(zip(names, one.values, strict=True)) for one in differing
        ),
    )


def dumbbells(runs: Sequence[Run], found: Sequence[Comparison]) -> Section:
    """A row for each kernel: its time in every run, on a logarithmic scale, and what lies between."""
    names = dict(zip(map(id, runs), text.run_labels(runs), strict=True))
    rows = {
        (race, cell.kernel, names[id(run)]): seconds
        for one in found
        for race, cell in one.cells
        for run, seconds in zip((one.reference, one.other), cell.seconds, strict=True)
    }
    axis = common.seconds_axis("time per call")
    base = alt.Chart(common.ROWS).encode(y=_kernels("kernel"))
    between = base.mark_rule(strokeWidth=3, opacity=0.4).encode(
        x=alt.X("min(seconds):Q", scale=_LOGARITHMIC, axis=axis), x2="max(seconds):Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("seconds:Q", scale=_LOGARITHMIC, axis=axis),
        color=alt.Color("run:N", title=None, legend=_ABOVE),
        shape=alt.Shape("run:N", title=None, legend=_ABOVE),
        tooltip=common.tooltip(kernel="kernel", run="run", time="a call"),
    )
    return Section(
        name="times",
        heading="Times",
        text=("The median time of a call in every run; the less, the better.",),
        chart=common.finished(between + points, height=_ROW),
        alt="A row for each kernel with a point for each run, on a logarithmic scale. The table has the numbers.",
        columns=(common.RACE, common.KERNEL, Column("run", "run"), common.seconds_column("seconds", "a call")),
        rows=tuple(
            {"race": race, "kernel": kernel, "run": run, "seconds": seconds, "time": duration(seconds)}
            for (race, kernel, run), seconds in rows.items()
        ),
        choices=(_choice(found),),
        scale="x",
    )


def forest(runs: Sequence[Run], found: Sequence[Comparison], normalised: bool = False) -> Section:
    """A row for each kernel and run: its ratio over the reference, with the 95% interval.

    normalised: of the shares of each machine's limit, not of the times. Without rows where there is no interval.
    """
    names = dict(zip(map(id, runs), text.run_labels(runs), strict=True))
    rows: list[dict[str, Any]] = []
    for one in found:
        for race, cell in one.cells:
            change = cell.normalised if normalised else cell.times
            if change is not None and change.low is not None:
                rows.append(
                    {
                        "race": race,
                        "kernel": cell.kernel,
                        "row": f"{cell.kernel}, {names[id(one.other)]}",
                        "run": names[id(one.other)],
                        "ratio": change.estimate,
                        "low": change.low,
                        "high": change.high,
                        "figures": text.format_change(change),
                        "verdict": change.verdict,
                    }
                )
    order = list(dict.fromkeys(row["kernel"] for row in rows))
    rows.sort(key=lambda row: order.index(row["kernel"]))
    what = "share of its machine's limit" if normalised else "times as fast"
    return Section(
        name="shares" if normalised else "ratios",
        heading="Shares of each machine's own limit, over A's" if normalised else "Over A",
        text=(
            "How many times nearer to its own machine's limit a run is than A; the bar is the 95% interval."
            if normalised
            else "How many times as fast as in A; the bar is the 95% interval, with the drift between runs in it.",
        ),
        chart=_forest("times A's share" if normalised else "times as fast as A"),
        alt="A point with its interval for each kernel and run, on a logarithmic scale. The table has the numbers.",
        columns=(
            common.RACE,
            common.KERNEL,
            Column("run", "run"),
            common.number_column("ratio", what),
            common.number_column("low", "low, 95%"),
            common.number_column("high", "high, 95%"),
            Column("verdict", "verdict"),
        ),
        rows=tuple(rows),
        choices=(_choice(found),),
        scale="x",
    )


def _forest(title: str) -> dict[str, Any]:
    colour = alt.Color("verdict:N", title=None, legend=_ABOVE, scale=alt.Scale(domain=_VERDICTS, range=_COLOURS))
    base = alt.Chart(common.ROWS).encode(y=_kernels("row"), color=colour)
    axis = alt.Axis(title=title, labelExpr=common.NUMBER_LABEL, grid=True, tickCount=6)
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("ratio:Q", scale=_LOGARITHMIC, axis=axis),
        tooltip=common.tooltip(row="kernel and run", figures="ratio", verdict="verdict"),
    )
    intervals = base.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q"), x2="high:Q")
    same = alt.Chart(alt.InlineData(values=[{"at": 1}])).mark_rule(strokeDash=[3, 3]).encode(x=alt.X("at:Q"))
    figures = base.mark_text(align="left", dx=12).encode(
        x=alt.value("width"), text="figures:N", color=alt.value("var(--ink)")
    )
    layers = points + same + intervals + figures.properties(name=f"{common.WIDE}_figures")
    return common.finished(layers, height=_ROW, top=18, right=_FIGURES)


def _kernels(field: str) -> alt.Y:
    return alt.Y(f"{field}:N", sort=None, title=None, axis=alt.Axis(labelColor="var(--ink)", labelFontSize=13))


def _choice(found: Sequence[Comparison]) -> Selector:
    return Selector("race", "workload", found[0].cells[0][0])
