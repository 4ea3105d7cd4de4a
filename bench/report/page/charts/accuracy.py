"""The first figure of each kernel's operation, such as its error, against its time."""

from __future__ import annotations

from math import log10
from typing import Any

import altair as alt

from bench.report import operations
from bench.report.formatting import duration, format_significant
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Results

_HEIGHT = 300
Spec = dict[str, Any]


def accuracy(results: Results) -> Section:
    """A point for each kernel: time per call, and the figure that is a column of the tables."""
    rows, said = _rows(results)
    names = list(dict.fromkeys(row["name"] for row in rows))
    for race in said:
        _label([row for row in rows if row["race"] == race])
    scale = alt.Scale(type="log", nice=False, padding=20)
    base = alt.Chart(common.ROWS).encode(
        x=alt.X(
            "seconds:Q",
            scale=alt.Scale(type="log", nice=False, padding=30),
            axis=common.seconds_axis("time per call"),
        ),
        y=alt.Y(
            "figure:Q",
            scale=scale,
            axis=common.log_axis(names[0] if len(names) == 1 else "figure", common.ROUND_LABEL),
        ),
    )
    points = base.mark_point().encode(
        color=common.colour(),
        shape=common.shape(),
        tooltip=common.tooltip(kernel="kernel", time="time per call", text="figure"),
    )
    labels = base.mark_text(align="left", dx=8, fontSize=11).encode(y=alt.Y("label:Q", scale=scale), text="kernel:N")
    return Section(
        name="accuracy",
        heading="Accuracy against speed",
        fold=True,
        level=3,
        text=(
            "The first figure of the operation, on the workload's own data, against the time per call. Further left "
            "is faster.",
        ),
        chart=common.to_spec(alt.layer(points, labels.properties(name=f"{common.WIDE}_names")), height=_HEIGHT),
        alt=f"Points on logarithmic axes: time per call against {' or '.join(names)}. The table has the numbers.",
        columns=(
            common.RACE,
            common.KERNEL,
            common.seconds_column("seconds", "time per call"),
            Column("name", "figure"),
            common.number_column("figure", "value"),
            Column("bound", "of the error bound", common.percent, number=True),
        ),
        rows=tuple(rows),
        remarks=tuple({"race": race, "text": text} for race, text in said.items()),
        selectors=(common.workload_selector(results),),
    )


def _rows(results: Results) -> tuple[list[Spec], dict[str, str]]:
    """The points, and for each race what its figure is."""
    rows: list[Spec] = []
    said: dict[str, str] = {}
    for record, seconds, row in common.compared_rows(results):
        name, figure = operations.figure_name(results, record.operation), operations.figure(results, record)
        if record.error and figure is not None and figure > 0:  # the axis is logarithmic
            rows.append(
                row
                | {
                    "seconds": seconds.estimate,
                    "time": duration(seconds.estimate),
                    "name": name,
                    "figure": figure,
                    "bound": record.error.bound_fraction,
                    "text": f"{format_significant(figure)} {name}",
                }
            )
            said[row["race"]] = f"{name}: {operations.meanings(results, [record])[name]}."
    return rows, said


def _label(rows: list[Spec]) -> None:
    """Place the names of neighbours without overlap: a name is as wide as about an eighth of the chart."""
    times = [log10(row["seconds"]) for row in rows]
    errors = [log10(row["figure"]) for row in rows]
    width = (max(times) - min(times)) / 8
    height = 14 * (max(errors) - min(errors) or 1) / _HEIGHT
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or times[end] - times[end - 1] > width:
            positions = common.spread_labels(errors[start:end], height)
            for row, position in zip(rows[start:end], positions, strict=True):
                row["label"] = 10**position
            start = end
