"""Total time against the number of calls: from how many on compiling has paid."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, log10
from typing import Any

import altair as alt

from bench.analysis.cold_start import one_time_seconds
from bench.report.formatting import duration, format_si
from bench.report.page.charts import common
from bench.report.page.document import Section
from bench.results.record import Results

_DECADES = range(3, 8)
"""Of calls: at least so far, and until the last has caught up; training takes fewer than 10⁷."""
_HEIGHT = 360
Spec = dict[str, Any]


def calls(results: Results) -> Section:
    """A line a kernel: what is spent once, and a steady call for each call."""
    rows = []
    for record, seconds, row in common.common(results):
        spent = one_time_seconds(record.cold, seconds.median)
        rows.append(
            row
            | {
                "once": spent,
                "call": seconds.median,
                "time": duration(seconds.median),
                "first": duration(spent),
                "last": True,
            }
        )
    for race in dict.fromkeys(row["race"] for row in rows):
        own = [row for row in rows if row["race"] == race]
        decades = min(max(_DECADES[0], ceil(log10(envelope(own)[-1][1])) + 1), _DECADES[-1])
        totals = [log10(row["once"] + row["call"] * 10**decades) for row in own]
        low = min(log10(row["once"] + row["call"]) for row in own)
        places = common.spread(totals, 15 * (max(totals) - low) / _HEIGHT)
        for row, total, place in zip(own, totals, places, strict=True):
            row |= {"decades": decades, "end": 10**total, "label": 10**place}
    return Section(
        name="calls",
        heading="Time against the number of calls",
        level=3,
        text=(
            "What so many calls take together, with what is spent once before them: lowering and compiling with "
            "an empty cache, and what the "
            "first call takes more than a steady one. Importing the library is not in it. Where a line passes "
            "under another, "
            "compiling has paid.",
        ),
        chart=common.finished(_chart(), height=_HEIGHT),
        alt=(
            "Lines on logarithmic axes, one for each kernel: total time against the number of calls, compiling "
            "included. The table below has the numbers."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            common.seconds_column("once", "once"),
            common.seconds_column("call", "a call"),
        ),
        rows=tuple(rows),
        choices=(common.choice(results),),
        remarks=tuple(
            remark
            for race in dict.fromkeys(row["race"] for row in rows)
            for remark in _remarks(race, [row for row in rows if row["race"] == race])
        ),
        series=common.legend(results, rows),
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
            y=alt.Y("total:Q", scale=scale, axis=common.seconds_axis("all of them together")),
            color=common.colour(),
            detail="kernel:N",
            tooltip=common.tooltip(kernel="kernel", first="once", time="a call"),
        )
    )
    lines = over_calls.mark_line(strokeWidth=2).encode(strokeDash=common.dash())
    return alt.layer(lines, common.lines_end("end", "label", scale))


def envelope(rows: list[Spec]) -> list[tuple[str, float]]:
    """Kernel and the calls from which on it is the least of all, from one call up."""
    at = 1.0
    best = min(rows, key=lambda row: (row["once"] + row["call"], row["call"]))
    found = [(str(best["kernel"]), at)]
    while steeper := [row for row in rows if row["call"] < best["call"]]:
        at, best = min(
            (((row["once"] - best["once"]) / (best["call"] - row["call"]), row) for row in steeper),
            key=lambda pair: (pair[0], pair[1]["call"]),
        )
        found.append((str(best["kernel"]), max(1.0, at)))
    return found


def _remarks(race: str, rows: list[Spec]) -> list[Spec]:
    found = envelope(rows)
    said = [f"up to about {format_si(end)} calls {name}" for (name, _), (_, end) in pairwise(found)]
    name, _ = found[-1]
    last = f"{name} takes least, however many the calls" if not said else f"from then on {name}"
    return [{"race": race, "text": f"Least time in all: {', '.join([*said, last])}." if said else f"{last}."}]
