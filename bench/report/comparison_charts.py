"""Runs side by side as charts: a dumbbell for the times, a forest for the ratios. Two runs or many.

Pure: values in, Vega-Lite charts out. Altair is imported only here, and this only when a page is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import altair as alt

from bench.comparable import Run
from bench.compare import Comparison
from bench.report.comparison import letters

Value = dict[str, Any]

_WIDTH, _ROW = 520, 18
"""Pixels: of a chart, and of a row."""
_LOGARITHMIC = alt.Scale(type="log", nice=False, padding=12)
_VERDICTS = ("faster", "slower", "no difference shown")
_COLOURS = ("#0072B2", "#D55E00", "#777777")
"""Okabe and Ito's blue and vermilion, which people with any colour vision tell apart, and grey."""


def dumbbells(runs: Sequence[Run], found: Sequence[Comparison]) -> alt.VConcatChart:
    """For each workload a row for each kernel: its time in every run, on a logarithmic scale, and what is between."""
    return _by_workload(list(_times(runs, found)), _dumbbell)


def forest(runs: Sequence[Run], found: Sequence[Comparison], normalised: bool = False) -> alt.VConcatChart | None:
    """For each workload a row for each kernel and run: its ratio over the reference, with the 95% interval.

    normalised: of the shares of each machine's limit, not of the times. None where there is no interval to draw.
    """
    values = list(_ratios(runs, found, normalised))
    return _by_workload(values, _forest) if values else None


def _times(runs: Sequence[Run], found: Sequence[Comparison]) -> Iterator[Value]:
    names = _names(runs)
    seen = set()  # the reference is in every comparison
    for comparison in found:
        for workload, cell in comparison.cells:
            for run, seconds in zip((comparison.reference, comparison.other), cell.seconds, strict=True):
                key = workload, cell.kernel, names[id(run)]
                if key not in seen:
                    seen.add(key)
                    yield dict(zip(("workload", "kernel", "run"), key, strict=True)) | {"microseconds": 1e6 * seconds}


def _ratios(runs: Sequence[Run], found: Sequence[Comparison], normalised: bool) -> Iterator[Value]:
    names = _names(runs)
    for comparison in found:
        for workload, cell in comparison.cells:
            change = cell.normalised if normalised else cell.times
            if change is not None and change.low is not None:
                yield {
                    "workload": workload,
                    "kernel": cell.kernel,
                    "row": f"{cell.kernel}, {names[id(comparison.other)]}",
                    "ratio": change.estimate,
                    "low": change.low,
                    "high": change.high,
                    "verdict": change.verdict,
                }


def _names(runs: Sequence[Run]) -> dict[int, str]:
    return dict(zip(map(id, runs), letters(runs), strict=True))


def _by_workload(values: list[Value], drawn: Callable[[list[Value]], alt.LayerChart]) -> alt.VConcatChart:
    charts = []
    for workload in dict.fromkeys(value["workload"] for value in values):
        own = [value for value in values if value["workload"] == workload]
        charts.append(drawn(own).properties(title=workload))
    stacked: alt.VConcatChart = alt.vconcat(*charts).resolve_scale(x="independent")
    return stacked


def _chart(values: list[Value]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=values))


def _dumbbell(values: list[Value]) -> alt.LayerChart:
    kernels = list(dict.fromkeys(value["kernel"] for value in values))
    title = "time per call, µs"
    base = _chart(values).encode(y=alt.Y("kernel:N", sort=kernels, title=None))
    between = base.mark_rule(color="#bbbbbb", strokeWidth=3).encode(
        x=alt.X("min(microseconds):Q", title=title, scale=_LOGARITHMIC), x2="max(microseconds):Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("microseconds:Q", title=title, scale=_LOGARITHMIC),
        color=alt.Color("run:N", title="run"),
        shape=alt.Shape("run:N", title="run"),
    )
    both: alt.LayerChart = (between + points).properties(width=_WIDTH, height=_ROW * len(kernels))
    return both


def _forest(values: list[Value]) -> alt.LayerChart:
    kernels = list(dict.fromkeys(value["kernel"] for value in values))
    rows = [value["row"] for value in sorted(values, key=lambda value: kernels.index(value["kernel"]))]
    colour = alt.Color("verdict:N", title=None, scale=alt.Scale(domain=_VERDICTS, range=_COLOURS))
    base = _chart(values).encode(y=alt.Y("row:N", sort=rows, title=None), color=colour)
    intervals = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="times faster than A", scale=_LOGARITHMIC), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x=alt.X("ratio:Q", scale=_LOGARITHMIC))
    equal = _chart([{"ratio": 1}]).mark_rule(strokeDash=[3, 3])
    same = equal.encode(x=alt.X("ratio:Q", scale=_LOGARITHMIC))
    all_three: alt.LayerChart = (same + intervals + points).properties(width=_WIDTH, height=_ROW * len(rows))
    return all_three
