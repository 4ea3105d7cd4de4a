"""Total time against the number of calls: after how many calls compilation has paid off."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, log10
from typing import Any

import altair as alt

from bench.analysis.cold_start import one_time_seconds
from bench.report.formatting import duration, format_count
from bench.report.page.charts import common
from bench.report.page.section import Section
from bench.results.record import Results

_DECADES = range(3, 8)
"""Powers of ten at which the calls may end: one after the last break-even. Training takes fewer than 10⁷ calls."""
_HEIGHT = 360
Spec = dict[str, Any]


def calls(results: Results) -> Section:
    """A line for each kernel: its one-time cost, and its time per call for each call."""
    rows = []
    for record, seconds, row in common.compared_rows(results):
        once = one_time_seconds(record.cold, seconds.estimate)
        rows.append(
            row
            | {
                "once": once,
                "call": seconds.estimate,
                "time": duration(seconds.estimate),
                "first": duration(once),
                "last": True,
            }
        )
    for race in dict.fromkeys(row["race"] for row in rows):
        group = [row for row in rows if row["race"] == race]
        decades = min(max(_DECADES[0], ceil(log10(envelope(group)[-1][1])) + 1), _DECADES[-1])
        totals = [log10(row["once"] + row["call"] * 10**decades) for row in group]
        low = min(log10(row["once"] + row["call"]) for row in group)
        positions = common.spread_labels(totals, 15 * (max(totals) - low) / _HEIGHT)
        for row, total, position in zip(group, totals, positions, strict=True):
            row |= {"decades": decades, "end": 10**total, "label": 10**position}
    return Section(
        name="calls",
        heading="Time against the number of calls",
        level=3,
        text=(
            "The total time of N calls, with the one-time cost before them: building, lowering and compilation "
            "with an empty cache, and the extra time of the first call. Importing the library is not included. Where "
            "the line of a compiled kernel passes below another line, the compilation has paid off.",
        ),
        chart=common.to_spec(_chart(), height=_HEIGHT),
        alt=(
            "Lines on logarithmic axes, one for each kernel: total time against the number of calls, "
            "compilation included. The table below has the numbers."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            common.seconds_column("once", "one-time cost"),
            common.seconds_column("call", "time per call"),
        ),
        rows=tuple(rows),
        selectors=(common.workload_selector(results),),
        remarks=tuple(
            remark
            for race in dict.fromkeys(row["race"] for row in rows)
            for remark in _remarks(race, [row for row in rows if row["race"] == race])
        ),
    )


def _chart() -> common.Chart:
    scale = alt.Scale(type="log", nice=False)
    over_calls = (
        alt.Chart(common.ROWS)
        .transform_calculate(power="sequence(0, datum.decades + 0.1, 0.25)")
        .transform_flatten(["power"])
        .transform_calculate(calls="pow(10, datum.power)", total="datum.once + datum.call * datum.calls")
        .encode(
            x=alt.X("calls:Q", scale=scale, axis=common.log_axis("calls", common.COUNT_LABEL)),
            y=alt.Y("total:Q", scale=scale, axis=common.seconds_axis("total time")),
            color=common.colour(),
            detail="kernel:N",
            tooltip=common.tooltip(kernel="kernel", first="one-time cost", time="time per call"),
        )
    )
    lines = over_calls.mark_line(strokeWidth=2).encode(strokeDash=common.dash())
    return alt.layer(lines, common.line_end_labels("end", "label", scale))


def envelope(rows: list[Spec]) -> list[tuple[str, float]]:
    """Each kernel that has the least total time somewhere, and the number of calls from which it has."""
    best = min(rows, key=lambda row: (row["once"] + row["call"], row["call"]))
    fastest = [(str(best["kernel"]), 1.0)]
    while steeper := [row for row in rows if row["call"] < best["call"]]:
        break_even, best = min(
            (((row["once"] - best["once"]) / (best["call"] - row["call"]), row) for row in steeper),
            key=lambda pair: (pair[0], pair[1]["call"]),
        )
        fastest.append((str(best["kernel"]), max(1.0, break_even)))
    return fastest


def _remarks(race: str, rows: list[Spec]) -> list[Spec]:
    fastest = envelope(rows)
    last, _ = fastest[-1]
    if len(fastest) == 1:
        return [{"race": race, "text": f"{last} has the least total time for any number of calls."}]
    ends = [(name, round(end)) for (name, _), (_, end) in pairwise(fastest)]
    parts = [f"up to about {format_count(n)} call{'s' * (n != 1)} {name}" for name, n in ends]
    return [{"race": race, "text": f"Least total time: {', '.join(parts)}, from then on {last}."}]
