"""What the charts share: the rows' common fields, the axes' labels, and rows of points with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from bench.report.formatting import duration, format_significant
from bench.report.headline import race_name, several_threads, shown_first
from bench.report.page import palette
from bench.report.page.document import Column, Selector, Series
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
"""How a layer's name begins that a narrow page leaves out."""


def common(results: Results) -> list[tuple[Record, Seconds, Spec]]:
    """The records that were timed, fastest first in each race, with the fields that each row has."""
    looks = palette.looks(results.records)
    several = several_threads(results)
    return [
        (record, seconds, {"race": race_name(record, several), "kernel": record.kernel, **looks[record.kernel]})
        for record, seconds in sorted(
            timed(results.records), key=lambda pair: (_place(results, pair[0]), pair[1].median)
        )
    ]


def _place(results: Results, record: Record) -> int:
    races = list(dict.fromkeys((one.workload, one.threads) for one in results.records))
    return races.index((record.workload, record.threads))


def choice(results: Results) -> Selector:
    """Of the workload, which all charts of one share."""
    return Selector("race", "workload", shown_first(results))


def legend(results: Results, rows: Iterable[Spec]) -> tuple[Series, ...]:
    """The kernels of these rows."""
    return palette.series(palette.looks(results.records), (row["kernel"] for row in rows))


def finished(
    chart: Chart, datasets: dict[str, list[Spec]] | None = None, top: int = 8, right: int = 8, **properties: Any
) -> Spec:
    """As wide as the page, in the project's manner. datasets: more than the rows, by name; top, right: pixels."""
    padding = {"left": 4, "right": right, "top": top, "bottom": 4}
    spec: Spec = (
        chart.properties(width="container", padding=padding, **properties).configure(**palette.CONFIG).to_dict()
    )
    spec["datasets"] = spec.get("datasets", {}) | (datasets or {})
    del spec["$schema"]
    return spec


def colour() -> alt.Color:
    """Of the technique; the legend is the page's own."""
    return alt.Color("technique:N", scale=alt.Scale(**palette.colour_scale()), legend=None)


def shape() -> alt.Shape:
    """Of the kernel among those of its technique."""
    return alt.Shape("shape:N", scale=alt.Scale(**palette.shape_scale()), legend=None)


def dash() -> alt.StrokeDash:
    """As shape, for lines."""
    return alt.StrokeDash("shape:N", scale=alt.Scale(**palette.dash_scale()), legend=None)


def tooltip(**fields: str) -> list[alt.Tooltip]:
    """Field → what it is called; the values are ready to be read."""
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in fields.items()]


def log_axis(title: str, label: str, decades_only: bool = True, **axis: Any) -> alt.Axis:
    """Of a logarithmic scale: a grid line a decade, or at 1, 2 and 5 of each."""
    test = _DECADE if decades_only else _ROUND
    grid = {"condition": {"test": test, "value": "var(--line)"}, "value": "transparent"}
    return alt.Axis(title=title, labelExpr=label, grid=True, gridColor=grid, **axis)


def seconds_axis(title: str, **axis: Any) -> alt.Axis:
    """Of times on a logarithmic scale, labelled at 1, 2 and 5 of each decade."""
    return log_axis(title, SECONDS_LABEL, **axis)


def linear_seconds(title: str) -> alt.Axis:
    """Of times on a linear scale."""
    return alt.Axis(title=title, labelExpr=f"datum.value==0?'0':{_SECONDS}", grid=True, tickCount=6)


def points_with_intervals(x: str, axis: alt.Axis, scale: alt.Scale, rule: Spec, tips: list[alt.Tooltip]) -> Chart:
    """A row a kernel: its estimate in field `x`, its interval, its figures at the right, a line over all.

    rule: `at` and `says`: where a line stands over all rows, and what it is
    """
    y = alt.Y("kernel:N", sort=None, title=None, axis=alt.Axis(labelColor="var(--ink)", labelFontSize=13))
    on_x = alt.X(f"{x}:Q", scale=scale, axis=axis)
    base = alt.Chart(ROWS).encode(y=y, color=colour())
    at = alt.Chart(alt.InlineData(values=[rule]))
    line = at.mark_rule(strokeDash=[3, 3]).encode(x=alt.X("at:Q"))
    says = at.mark_text(align="left", dx=4, dy=-9, fontSize=11, fill="var(--soft)").encode(
        x=alt.X("at:Q"), y=alt.value(0), text="says:N"
    )
    intervals = base.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", tooltip=tips
    )
    points = base.mark_point().encode(x=on_x, shape=shape(), tooltip=tips)
    column = base.mark_text(align="left", dx=12).encode(
        x=alt.value("width"), text="figures:N", color=alt.value("var(--ink)")
    )
    layers: Chart = alt.layer(intervals, points, line, says, column.properties(name=f"{WIDE}_figures"))
    return layers


def spread(values: Sequence[float], least: float) -> list[float]:
    """Places for labels near these values, in their order, no two nearer than `least`: each block around its mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    blocks: list[list[float]] = []  # of each, the sum of what its members would have its first at, and their number
    for index in order:
        blocks.append([values[index], 1])
        while (
            len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] + least * blocks[-2][1] > blocks[-1][0] / blocks[-1][1]
        ):
            total, number = blocks.pop()
            blocks[-1][0] += total - number * least * blocks[-1][1]
            blocks[-1][1] += number
    places = [total / number + least * place for total, number in blocks for place in range(int(number))]
    found = [0.0] * len(values)
    for index, place in zip(order, places, strict=True):
        found[index] = place
    return found


def percent(share: float) -> str:
    """`73%`."""
    return f"{format_significant(100 * share, 2)}%"


RACE = Column("race", "workload")
KERNEL = Column("kernel", "kernel")


def seconds_column(field: str, heading: str) -> Column:
    """Of times, with their unit."""
    return Column(field, heading, duration, number=True)


def number_column(field: str, heading: str) -> Column:
    """Of numbers, to three digits."""
    return Column(field, heading, format_significant, number=True)


def apart(low: float | None, high: float | None, other_low: float | None, other_high: float | None) -> bool:
    """Whether two intervals do not touch; without intervals they do."""
    if low is None or high is None or other_low is None or other_high is None:
        return False
    return high < other_low or other_high < low


def lines_end(y: str, label_y: str, scale: alt.Scale) -> Chart:
    """The names at the right of lines: at `label_y`, moved apart, with a stroke from where the line ends (`last`)."""
    base = alt.Chart(ROWS).transform_filter("datum.last").encode(color=colour())
    leader = base.mark_rule(opacity=0.6).encode(
        x=alt.value("width"), x2=alt.value(alt.expr("width + 14")), y=alt.Y(f"{y}:Q", scale=scale), y2=f"{label_y}:Q"
    )
    name = base.mark_text(align="left", dx=18).encode(
        x=alt.value("width"), y=alt.Y(f"{label_y}:Q", scale=scale), text="kernel:N", color=alt.value("var(--ink)")
    )
    both: Chart = alt.layer(leader, name)
    return both
