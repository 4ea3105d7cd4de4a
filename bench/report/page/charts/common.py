"""What the charts share: the fields that all rows have, axes and their labels, and points with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from scipy.optimize import isotonic_regression

from bench.report.formatting import duration, format_significant
from bench.report.headline import race_name, several_threads, shown_first
from bench.report.page import palette
from bench.report.page.section import Column, Selector
from bench.report.rows import timed
from bench.results.record import Record, Results, Seconds

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
Spec = dict[str, Any]

_MANTISSA = "datum.value/pow(10,floor(log(datum.value)/LN10+1e-9))"
_ROUND = f"(abs({_MANTISSA}-1)<1e-6||abs({_MANTISSA}-2)<1e-6||abs({_MANTISSA}-5)<1e-6)"
_SECONDS = (
    "datum.value>=1?format(datum.value,',.3~r')+' s':datum.value>=1e-3?format(datum.value*1e3,'.3~r')+' ms':"
    "datum.value>=1e-6?format(datum.value*1e6,'.3~r')+' µs':format(datum.value*1e9,'.3~r')+' ns'"
)
SECONDS_LABEL = f"datum.value==0?'0':{_ROUND}?({_SECONDS}):''"
_DECADE = "abs(log(datum.value)/LN10-round(log(datum.value)/LN10))<1e-6"
NUMBER_LABEL = "(datum.value==0?'0':datum.value<1?format(datum.value,'.2~r'):format(datum.value,',.2~r'))"
ROUND_LABEL = f"{_ROUND}?{NUMBER_LABEL}:''"
COUNT_LABEL = f"{_ROUND}?format(datum.value,datum.value<1000?'d':'.2~s'):''"
ROWS = alt.NamedData("rows")
WIDE = "wide"
"""A narrow page leaves out the layers whose names begin so."""


def timed_rows(results: Results) -> list[tuple[Record, Seconds, Spec]]:
    """The timed records, fastest first in each race, with the fields that each row has; `reached` or not."""
    styles = palette.kernel_styles(results.records)
    several = several_threads(results)
    races = list(dict.fromkeys((record.workload, record.threads) for record in results.records))
    return [
        (record, seconds, {"race": race_name(record, several), "kernel": record.kernel, **styles[record.kernel]})
        for record, seconds in sorted(
            timed(results.records),
            key=lambda pair: (races.index((pair[0].workload, pair[0].threads)), pair[1].estimate),
        )
    ]


def compared_rows(results: Results) -> list[tuple[Record, Seconds, Spec]]:
    """As `timed_rows`, those that got to where the operation asks them to."""
    return [(record, seconds, row) for record, seconds, row in timed_rows(results) if record.reached]


def workload_selector(results: Results) -> Selector:
    """The workload, chosen once for the whole page."""
    return Selector("race", "workload", shown_first(results), shared=True)


def to_spec(
    chart: Chart, datasets: dict[str, list[Spec]] | None = None, top: int = 8, right: int = 8, **properties: Any
) -> Spec:
    """As Vega-Lite, as wide as the page. datasets: those besides the rows, by name; top, right: padding in pixels."""
    padding = {"left": 4, "right": right, "top": top, "bottom": 4}
    spec: Spec = (
        chart.properties(width="container", padding=padding, **properties).configure(**palette.CONFIG).to_dict()
    )
    spec["datasets"] = spec.get("datasets", {}) | (datasets or {})
    del spec["$schema"]
    return spec


def colour() -> alt.Color:
    """The technique's colour. The page's bar is the legend."""
    return alt.Color("technique:N", scale=alt.Scale(**palette.colour_scale()), legend=None)


def shape() -> alt.Shape:
    """The kernel's shape among those of its technique."""
    return alt.Shape("shape:N", scale=alt.Scale(**palette.shape_scale()), legend=None)


def dash() -> alt.StrokeDash:
    """As `shape`, for lines."""
    return alt.StrokeDash("shape:N", scale=alt.Scale(**palette.dash_scale()), legend=None)


def tooltip(**fields: str) -> list[alt.Tooltip]:
    """fields: field → its title; the values are formatted texts."""
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in fields.items()]


def log_axis(title: str, label: str, decades_only: bool = True, **axis: Any) -> alt.Axis:
    """The axis of a logarithmic scale, with a grid line at each decade, or at 1, 2 and 5 times each."""
    test = _DECADE if decades_only else _ROUND
    grid = {"condition": {"test": test, "value": "var(--line)"}, "value": "transparent"}
    return alt.Axis(title=title, labelExpr=label, grid=True, gridColor=grid, **axis)


def seconds_axis(title: str, **axis: Any) -> alt.Axis:
    """The axis of times on a logarithmic scale, with labels at 1, 2 and 5 times each decade."""
    return log_axis(title, SECONDS_LABEL, **axis)


def linear_seconds(title: str) -> alt.Axis:
    """The axis of times on a linear scale."""
    return alt.Axis(title=title, labelExpr=f"datum.value==0?'0':{_SECONDS}", grid=True, tickCount=6)


def points_with_intervals(x: str, axis: alt.Axis, scale: alt.Scale, rule: Spec, tips: list[alt.Tooltip]) -> Chart:
    """For each kernel a row: the estimate in field `x`, its interval, and its figures at the right.

    rule: the position `at` of a vertical line through all rows, and its label `text`
    """
    y = alt.Y("kernel:N", sort=None, title=None, axis=alt.Axis(labelColor="var(--ink)", labelFontSize=13))
    on_x = alt.X(f"{x}:Q", scale=scale, axis=axis)
    base = alt.Chart(ROWS).encode(y=y, color=colour())
    at = alt.Chart(alt.InlineData(values=[rule]))
    line = at.mark_rule(strokeDash=[3, 3]).encode(x=alt.X("at:Q"))
    label = at.mark_text(align="right", dx=-4, dy=-9, fontSize=11, fill="var(--soft)").encode(
        x=alt.X("at:Q"), y=alt.value(0), text="text:N"
    )
    intervals = base.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", tooltip=tips
    )
    points = base.mark_point().encode(x=on_x, shape=shape(), tooltip=tips)
    column = base.mark_text(align="left", dx=12).encode(
        x=alt.value("width"), text="figures:N", color=alt.value("var(--ink)")
    )
    layers: Chart = alt.layer(intervals, points, line, label, column.properties(name=f"{WIDE}_figures"))
    return layers


def spread_labels(values: Sequence[float], gap: float) -> list[float]:
    """Positions for labels as near to these values as they can be, in the same order and at least `gap` apart.

    Position i of the sorted labels is i·gap plus a number that must not decrease: an isotonic regression.
    """
    order = np.argsort(values, kind="stable")
    offsets = gap * np.arange(len(values))
    positions = np.empty(len(values))
    positions[order] = isotonic_regression(np.asarray(values, dtype=float)[order] - offsets).x + offsets
    numbers: list[float] = positions.tolist()
    return numbers


def percent(fraction: float) -> str:
    """`73%`."""
    return f"{format_significant(100 * fraction, 2)}%"


RACE = Column("race", "workload")
KERNEL = Column("kernel", "kernel")


def seconds_column(field: str, heading: str) -> Column:
    """A column of times with their unit."""
    return Column(field, heading, duration, number=True)


def number_column(field: str, heading: str) -> Column:
    """A column of numbers to three digits."""
    return Column(field, heading, format_significant, number=True)


def are_disjoint(low: float | None, high: float | None, other_low: float | None, other_high: float | None) -> bool:
    """Whether two intervals do not overlap; False where an interval is missing."""
    if low is None or high is None or other_low is None or other_high is None:
        return False
    return high < other_low or other_high < low


def line_end_labels(y: str, label_y: str, scale: alt.Scale) -> Chart:
    """The names of the kernels at the right, at `label_y`, with a stroke from the end of each line (row `last`)."""
    base = alt.Chart(ROWS).transform_filter("datum.last").encode(color=colour())
    leader = base.mark_rule(opacity=0.6).encode(
        x=alt.value("width"), x2=alt.value(alt.expr("width + 14")), y=alt.Y(f"{y}:Q", scale=scale), y2=f"{label_y}:Q"
    )
    name = base.mark_text(align="left", dx=18).encode(
        x=alt.value("width"), y=alt.Y(f"{label_y}:Q", scale=scale), text="kernel:N", color=alt.value("var(--ink)")
    )
    both: Chart = alt.layer(leader, name)
    return both
