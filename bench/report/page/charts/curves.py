"""What a kernel's result shows step by step, such as the cost of a descent, against the step and against seconds.

An operation may name one of its curves as what the others are drawn against, in place of the number of steps: a
solver computes more in one step than another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import altair as alt

from bench.report import operations
from bench.report.formatting import counted, duration, format_significant
from bench.report.page.charts import common
from bench.report.page.section import Column, Section, Selector
from bench.results.record import Record, Results

_HEIGHT = 360
_MOST_NUMBERS = 100_000
"""On a page, which would be over 4 MB with more. Of longer curves it has every nth entry, and the last."""
_MARKS = 6
"""Symbols on each line."""
_VALUE_LABEL = "format(datum.value, ',.6~r')"
_STEP, _SECONDS = "step", "seconds"
Spec = dict[str, Any]


def curves(results: Results) -> Iterator[Section]:
    """For each operation that has curves: their chart, and the time for the steps."""
    with_curves = [
        (record, row)
        for record, _, row in common.timed_rows(results)
        if any(len(values) > 1 for values in record.curves.values())
    ]
    every = max(1, ceil(sum(len(values) for one, _ in with_curves for values in one.curves.values()) / _MOST_NUMBERS))
    for index, operation in enumerate(dict.fromkeys(record.operation for record, _ in with_curves)):
        rows = [
            line
            for record, row in with_curves
            if record.operation == operation
            for line in _lines(record, row, operations.texts(results, operation).get("against", ""), every)
        ]
        title = operations.texts(results, operation).get("curve") or rows[0]["curve"]
        unit = operations.texts(results, operation).get("against", "step")
        suffix = f"-{index + 1}" if index else ""
        yield _curves(results, f"curves{suffix}", title, unit, rows, every)
        yield _times(results, f"steps{suffix}", unit, rows)


def _lines(record: Record, row: Spec, against: str, every: int) -> Iterator[Spec]:
    """A row for each curve of a record: its numbers, and the time until each.

    against: the curve that says how many steps there were until each; empty: one step from each to the next
    """
    assert record.seconds
    for name, values in record.curves.items():
        last = len(values) - 1
        counts = record.curves.get(against) or list(range(len(values)))
        if last < 1 or name == against or len(counts) != len(values) or not (steps := counts[last]):
            continue
        shown = [*range(0, last, every), last]
        step_seconds = record.seconds.estimate / steps
        yield row | {
            "curve": name,
            "against": [_STEP, _SECONDS],
            "steps": steps,
            "before": values[0],
            "after": values[-1],
            "all_seconds": record.seconds.estimate,
            "step_seconds": step_seconds,
            "time": f"{duration(record.seconds.estimate)} for {_counted(steps, against)}",
            "unit": against,
            "step": [counts[index] for index in shown],
            "seconds": [float(f"{counts[index] * step_seconds:.6g}") for index in shown],
            "value": [float(f"{values[index]:.9g}") for index in shown],
        }


def _counted(steps: float, unit: str) -> str:
    return f"{format_significant(steps)} {unit}" if unit else counted(int(steps), "step")


def _curves(results: Results, name: str, title: str, unit: str, rows: Sequence[Spec], every: int) -> Section:
    several = len({row["curve"] for row in rows}) > 1
    logarithmic = all(value > 0 for row in rows for value in row["value"])
    text = [
        f"The {title} before the first step and after each, in the kernel's own result on the workload's data. "
        f"Against seconds, each {unit.removesuffix('s')} takes the same part of a call, and what was before the "
        "first is left out: the axis is logarithmic. Kernels that compute the same lie on one line, and each has its "
        "symbols on it.",
    ]
    if every > 1:
        text.append(f"The chart and the CSV have one step in {every}. The results file has all.")
    return Section(
        name=name,
        heading=f"{title[:1].upper()}{title[1:]} by {unit}",
        text=tuple(text),
        chart={
            against: common.to_spec(
                _chart(against, title, unit, logarithmic), {"marks": list(_marks(rows, against))}, height=_HEIGHT
            )
            for against in (_STEP, _SECONDS)
        },
        chart_by="against",
        alt=f"Lines, one for each kernel: {title} against the step or the time. The table below has its ends.",
        columns=(
            common.RACE,
            common.KERNEL,
            *([Column("curve", "curve")] if several else []),
            common.number_column("before", f"{title} before the first step"),
            common.number_column("after", "after the last"),
        ),
        rows=tuple(rows),
        selectors=(
            _workload_selector(results, rows),
            *([Selector("curve", "curve", rows[0]["curve"])] if several else []),
            Selector("against", "against", _STEP),
        ),
        scale="y" if logarithmic else "",
        list_fields=("step", "seconds", "value"),
    )


def _times(results: Results, name: str, unit: str, rows: Sequence[Spec]) -> Section:
    workload = _workload_selector(results, rows)
    units, one = (f"{unit}s", unit) if unit == _STEP else (unit, unit.removesuffix("s"))
    return Section(
        name=name,
        heading=f"Time for the {units}",
        level=3,
        columns=(
            common.RACE,
            common.KERNEL,
            Column("steps", units, lambda steps: f"{steps:,.4g}" if steps < 1e4 else f"{steps:,.0f}", number=True),
            common.seconds_column("all_seconds", "time for all"),
            common.seconds_column("step_seconds", f"time for one {one}"),
        ),
        rows=tuple(
            {field: row[field] for field in ("race", "kernel", "steps", "all_seconds", "step_seconds")}
            for row in {(row["race"], row["kernel"]): row for row in rows}.values()
        ),
        selectors=(workload,) if workload.shared else (),
    )


def _workload_selector(results: Results, rows: Sequence[Spec]) -> Selector:
    """The page's own where every race has curves; else one of this section, for the races that have."""
    shared = common.workload_selector(results)
    races = {row["race"] for row in rows}
    if races == {row["race"] for _, _, row in common.timed_rows(results)}:
        return shared
    return Selector("race", "workload", shared.first if shared.first in races else rows[0]["race"])


def _marks(rows: Sequence[Spec], against: str) -> Iterator[Spec]:
    """A few points of each line, evenly on the chart."""
    together: dict[tuple[str, str], list[Spec]] = {}
    for row in rows:
        together.setdefault((row["race"], row["curve"]), []).append(row)
    for row in rows:
        rivals = together[row["race"], row["curve"]]
        last = len(row["step"]) - 1
        places = _taking_turns(last, rivals.index(row), len(rivals)) if against == _STEP else _growing(last)
        for index in places:
            step, seconds, value = (row[field][index] for field in ("step", "seconds", "value"))
            yield {field: row[field] for field in ("race", "curve", "kernel", "technique", "shape")} | {
                "step": step,
                "seconds": seconds,
                "value": value,
                "figures": f"{format_significant(value, 6)} after {_counted(step, row['unit'])}",
                "time": f"{duration(seconds)} of {duration(row['all_seconds'])}",
            }


def _taking_turns(last: int, position: int, rivals: int) -> list[int]:
    """Indices from 1 to `last`, evenly spaced, which no rival has: lines over each other stay distinguishable.

    Where there are fewer indices than rivals, some share one.
    """
    places = min(last, _MARKS * rivals)
    turns = range(position % places, places, rivals)
    return [1 + round((last - 1) * turn / max(1, places - 1)) for turn in turns]


def _growing(last: int) -> list[int]:
    """Indices from 1 to `last`, evenly spaced on a logarithmic axis."""
    return sorted({round(last ** (mark / (_MARKS - 1))) for mark in range(_MARKS)})


def _chart(against: str, title: str, unit: str, logarithmic: bool) -> common.Chart:
    x_scale = alt.Scale(nice=False) if against == _STEP else alt.Scale(type="log", nice=False)
    x_axis = (
        alt.Axis(title=unit, labelExpr=common.NUMBER_LABEL, tickCount=8)
        if against == _STEP
        else common.seconds_axis("time")
    )
    y_scale = alt.Scale(type="log", nice=False, padding=10) if logarithmic else alt.Scale(zero=False)
    y_axis = (
        common.log_axis(title, _VALUE_LABEL, decades_only=False)
        if logarithmic
        else alt.Axis(title=title, grid=True, tickCount=6)
    )
    x, y = alt.X(f"{against}:Q", scale=x_scale, axis=x_axis), alt.Y("value:Q", scale=y_scale, axis=y_axis)
    flattened = alt.Chart(common.ROWS).transform_flatten(["step", "seconds", "value"])
    lines = (
        (flattened.transform_filter("datum.step > 0") if against == _SECONDS else flattened)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=x,
            y=y,
            color=common.colour(),
            strokeDash=common.dash(),
            detail="kernel:N",
            tooltip=common.tooltip(kernel="kernel", time="time"),
        )
    )
    points = (
        alt.Chart(alt.NamedData("marks"))
        .mark_point()
        .encode(
            x=x,
            y=y,
            color=common.colour(),
            shape=common.shape(),
            tooltip=common.tooltip(kernel="kernel", figures="value", time="time"),
        )
    )
    return alt.layer(lines, points)
