"""Runs side by side as an HTML page: sentences, the ceilings, times, forest plots of ratios, and what differs.

Pure: comparisons in, the file's text out. Imported only when a page is requested, since it imports Altair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from bench.commands.compare import sentences as said
from bench.commands.compare.compare import Comparison
from bench.commands.compare.differences import Difference
from bench.commands.compare.drift import Change
from bench.commands.compare.tables import format_rate
from bench.report.formatting import duration
from bench.report.page import document, palette
from bench.report.page.charts import common
from bench.report.page.section import Column, PageHeader, Section, Selector
from bench.results.store import Run

_VERDICTS = ("faster", "slower", "no difference shown")
_COLOURS = ("#1f83c9", "#d9601a", "#8a8880")
"""Blue, vermilion and grey (after Okabe and Ito), which stand out on white and on black."""
_LOGARITHMIC = alt.Scale(type="log", nice=False, padding=14)
_FIGURES = 118
"""Pixels for the numbers at the right of a row: 17 characters of 7 pixels."""
_ABOVE = alt.Legend(orient="top", labelColor="var(--ink)")
_ROW = {"step": 24}
"""The height of a row, in pixels."""


def page(runs: Sequence[Run], differences: Sequence[Difference], comparisons: Sequence[Comparison]) -> str:
    """The whole page."""
    by_label = list(zip(said.run_labels(runs)[1:], comparisons, strict=True))
    header = PageHeader(
        "; ".join(said.legend(runs)),
        sentences=tuple(line for label, comparison in by_label for line in said.sentences(comparison, label)),
        trust=tuple(line for label, comparison in by_label for line in said.closing_lines(comparison, label)),
        warnings=tuple(
            dict.fromkeys(
                line for comparison in comparisons for line in (*said.warnings(comparison), *comparison.only_in_one)
            )
        ),
    )
    return document.page("Runs compared", sections(runs, differences, comparisons), header, palette.css())


def sections(
    runs: Sequence[Run], differences: Sequence[Difference], comparisons: Sequence[Comparison]
) -> list[Section]:
    """The sections that have rows."""
    charts = (
        ceilings(runs, comparisons),
        dumbbells(runs, comparisons),
        forest(runs, comparisons),
        forest(runs, comparisons, normalised=True),
    )
    return [section for section in (*charts, _differences(runs, differences)) if section.rows]


def _differences(runs: Sequence[Run], differences: Sequence[Difference]) -> Section:
    labels = said.run_labels(runs)
    return Section(
        name="differences",
        heading="What differs",
        columns=(Column("group", ""), Column("name", ""), *(Column(label, label) for label in labels)),
        rows=tuple(
            {"group": difference.group, "name": difference.name} | dict(zip(labels, difference.values, strict=True))
            for difference in differences
        ),
    )


def ceilings(runs: Sequence[Run], comparisons: Sequence[Comparison]) -> Section:
    """A row for each ceiling and run: both rates, and how many times as fast, with its interval."""
    rows = [
        {
            "row": f"{ceiling.name}, {label}" if len(comparisons) > 1 else ceiling.name,
            "ceiling": ceiling.name,
            "run": label,
            "reference": format_rate(ceiling.rates[0], ceiling.unit),
            "other": format_rate(ceiling.rates[1], ceiling.unit),
        }
        | _ratio_fields(ceiling.change)
        for label, comparison in zip(said.run_labels(runs)[1:], comparisons, strict=True)
        for ceiling in comparison.ceilings
        if ceiling.change.low is not None
    ]
    return Section(
        name="ceilings",
        heading="Ceilings, over A's",
        text=("How many times as fast it reads, evaluates sigmoids and multiplies; the bar is the 95% interval.",),
        chart=_forest("times as fast as A", "ceiling and run"),
        alt="A point with its interval for each ceiling and run, on a logarithmic scale. The table has the numbers.",
        columns=(
            Column("ceiling", "ceiling"),
            Column("run", "run"),
            Column("reference", "A"),
            Column("other", "the run"),
            *_ratio_columns("times as fast"),
        ),
        rows=tuple(rows),
        scale="x",
    )


def dumbbells(runs: Sequence[Run], comparisons: Sequence[Comparison]) -> Section:
    """A row for each kernel: its time in every run as points joined by a line, on a logarithmic scale."""
    labels = dict(zip(map(id, runs), said.run_labels(runs), strict=True))
    rows = {
        (race, cell.kernel, labels[id(run)]): seconds
        for comparison in comparisons
        for race, cell in comparison.cells
        for run, seconds in zip((comparison.reference, comparison.other), cell.seconds, strict=True)
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
        text=("The time per call in every run; less is better.",),
        chart=common.to_spec(between + points, height=_ROW),
        alt="A row for each kernel with a point for each run, on a logarithmic scale. The table has the numbers.",
        columns=(common.RACE, common.KERNEL, Column("run", "run"), common.seconds_column("seconds", "a call")),
        rows=tuple(
            {"race": race, "kernel": kernel, "run": run, "seconds": seconds, "time": duration(seconds)}
            for (race, kernel, run), seconds in rows.items()
        ),
        selectors=(_workload_selector(comparisons),),
        scale="x",
    )


def forest(runs: Sequence[Run], comparisons: Sequence[Comparison], normalised: bool = False) -> Section:
    """A row for each kernel and run that has an interval: its ratio over the reference, with the 95% interval.

    normalised: the ratio of the shares of each machine's ceiling instead of the times.
    """
    labels = dict(zip(map(id, runs), said.run_labels(runs), strict=True))
    rows: list[dict[str, Any]] = []
    for comparison in comparisons:
        label = labels[id(comparison.other)]
        for race, cell in comparison.cells:
            change = cell.normalised if normalised else cell.times
            if change is not None and change.low is not None:
                rows.append(
                    {
                        "race": race,
                        "kernel": cell.kernel,
                        "row": f"{cell.kernel}, {label}",
                        "run": label,
                    }
                    | _ratio_fields(change)
                )
    order = list(dict.fromkeys(row["kernel"] for row in rows))
    rows.sort(key=lambda row: order.index(row["kernel"]))
    ratio_name = "share of its machine's ceiling" if normalised else "times as fast"
    return Section(
        name="shares" if normalised else "ratios",
        heading="Shares of each machine's own ceiling, over A's" if normalised else "Over A",
        text=(
            "How many times nearer to its own machine's ceiling a run is than A; the bar is the 95% interval."
            if normalised
            else "How many times as fast as in A; the bar is the 95% interval, including the drift between runs.",
        ),
        chart=_forest("times A's share" if normalised else "times as fast as A"),
        alt="A point with its interval for each kernel and run, on a logarithmic scale. The table has the numbers.",
        columns=(
            common.RACE,
            common.KERNEL,
            Column("run", "run"),
            *_ratio_columns(ratio_name),
        ),
        rows=tuple(rows),
        selectors=(_workload_selector(comparisons),),
        scale="x",
    )


def _ratio_fields(change: Change) -> dict[str, Any]:
    return {
        "ratio": change.estimate,
        "low": change.low,
        "high": change.high,
        "figures": said.format_change(change),
        "verdict": change.verdict,
    }


def _ratio_columns(name: str) -> tuple[Column, ...]:
    return (
        common.number_column("ratio", name),
        common.number_column("low", "low, 95%"),
        common.number_column("high", "high, 95%"),
        Column("verdict", "verdict"),
    )


def _forest(title: str, rows: str = "kernel and run") -> dict[str, Any]:
    colour = alt.Color("verdict:N", title=None, legend=_ABOVE, scale=alt.Scale(domain=_VERDICTS, range=_COLOURS))
    base = alt.Chart(common.ROWS).encode(y=_kernels("row"), color=colour)
    axis = alt.Axis(title=title, labelExpr=common.NUMBER_LABEL, grid=True, tickCount=6)
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("ratio:Q", scale=_LOGARITHMIC, axis=axis),
        tooltip=common.tooltip(row=rows, figures="ratio", verdict="verdict"),
    )
    intervals = base.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q"), x2="high:Q")
    same = alt.Chart(alt.InlineData(values=[{"at": 1}])).mark_rule(strokeDash=[3, 3]).encode(x=alt.X("at:Q"))
    figures = base.mark_text(align="left", dx=12).encode(
        x=alt.value("width"), text="figures:N", color=alt.value("var(--ink)")
    )
    layers = points + same + intervals + figures.properties(name=f"{common.WIDE}_figures")
    return common.to_spec(layers, height=_ROW, top=18, right=_FIGURES)


def _kernels(field: str) -> alt.Y:
    return alt.Y(f"{field}:N", sort=None, title=None, axis=alt.Axis(labelColor="var(--ink)", labelFontSize=13))


def _workload_selector(comparisons: Sequence[Comparison]) -> Selector:
    return Selector("race", "workload", comparisons[0].cells[0][0], shared=True)
