"""Time against the size of X: who is fastest from which size on, and what the caches have to do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations, groupby, pairwise
from math import ceil, exp, log, log10
from typing import Any

import altair as alt

from bench.report.formatting import duration, format_si
from bench.report.page.charts import common
from bench.report.page.document import Column, Section, Selector
from bench.results.record import Record, Results

_HEIGHT = 400
Spec = dict[str, Any]


def sizes(results: Results) -> Section:
    """A line a kernel over the workloads of one dtype, order and number of threads, and of one n where it has to."""
    rows = _rows(results)
    kinds = {
        kind: len({row["elements"] for row in rows if row["kind"] == kind})
        for kind in dict.fromkeys(row["kind"] for row in rows)
    }
    crossings = [crossing for kind in kinds for crossing in _crossings([row for row in rows if row["kind"] == kind])]
    first = max(kinds, key=lambda kind: kinds[kind], default="")
    return Section(
        name="sizes",
        heading="Time against size",
        level=3,
        text=(
            "The time of a call against the number of elements of X, both logarithmic: a straight line that "
            "rises as steeply "
            "as the grid is time in proportion to size. The bands are 95% intervals across launches. Shaded: "
            "what still fits into a level of "
            "cache, counting what the cores together have. A hollow ring marks where two kernels change places, "
            "if their "
            "intervals are apart on both sides. Workloads may differ in their shape, so a line may bend for that "
            "too.",
        ),
        chart=common.finished(
            _chart(), {"caches": _caches(results, rows), "crossings": crossings}, height=_HEIGHT, top=18
        ),
        alt=(
            "Lines on logarithmic axes, one for each kernel: time of a call against the elements of X. The table "
            "below has the numbers."
        ),
        columns=(
            Column("kind", "workloads"),
            Column("workload", "workload"),
            common.KERNEL,
            Column("elements", "elements of X", lambda value: f"{value:,}", number=True),
            common.seconds_column("seconds", "a call"),
            common.seconds_column("low", "low, 95%"),
            common.seconds_column("high", "high, 95%"),
        ),
        rows=tuple(rows),
        choices=(Selector("kind", "workloads", first),),
        remarks=tuple(_remarks(rows, crossings)),
        hide=("kernel", "other"),
        series=common.legend(results, rows),
    )


def _rows(results: Results) -> list[Spec]:
    kind_of = _kinds(results)
    rows = [
        row
        | {
            "kind": kind_of(record),
            "workload": record.workload,
            "elements": record.m * record.n,
            "seconds": seconds.median,
            "low": seconds.low,
            "high": seconds.high,
            "time": duration(seconds.median),
            "size": f"{record.m:,} × {record.n:,}",
            "last": False,
        }
        for record, seconds, row in common.common(results)
    ]
    rows.sort(key=lambda row: (row["kind"], row["elements"], row["seconds"]))
    for _, group in groupby(rows, key=lambda row: str(row["kind"])):
        _label(list(group))
    return rows


def _label(rows: list[Spec]) -> None:
    """Mark where the lines end that reach the largest size, and where their names have room."""
    largest = max(row["elements"] for row in rows)
    ends = list({row["kernel"]: row for row in rows if row["elements"] == largest}.values())
    span = log10(max(row["seconds"] for row in rows)) - log10(min(row["seconds"] for row in rows))
    places = common.spread([log10(row["seconds"]) for row in ends], 15 * (span or 1) / _HEIGHT)
    for row, place in zip(ends, places, strict=True):
        row |= {"last": True, "label": 10**place}


def _kinds(results: Results) -> Callable[[Record], str]:
    """What the workloads of a line share: with n where some of them have one size and differ in their shape."""
    shapes = {((one.dtype, one.order, one.threads, one.m * one.n), one.n) for one in results.records}
    by_shape = len({size for size, _ in shapes}) < len(shapes)

    def kind(record: Record) -> str:
        words = f"{record.dtype}, {record.order} order, {record.threads} thread{'s' * (record.threads != 1)}"
        return f"{words}, {record.n:,} feature{'s' * (record.n != 1)}" if by_shape else words

    return kind


def _chart() -> common.Chart:
    scale = alt.Scale(type="log", nice=False)
    y = alt.Y("seconds:Q", scale=scale, axis=common.seconds_axis("time of a call"))
    x_axis = common.log_axis("elements of X (m × n)", common.COUNT_LABEL)
    x = alt.X("elements:Q", scale=scale, axis=x_axis)
    shades = alt.Chart(alt.NamedData("caches"))
    rects = shades.mark_rect(fill="var(--shade)").encode(
        x=alt.X("from:Q", scale=scale, axis=x_axis),
        x2="to:Q",
        opacity=alt.Opacity("opacity:Q", scale=None, legend=None),
    )
    names = shades.mark_text(align="left", dx=4, dy=-8, fill="var(--soft)", fontSize=11).encode(
        x=alt.X("from:Q", scale=scale), y=alt.value(0), text="name:N"
    )
    base = alt.Chart(common.ROWS).encode(x=x, color=common.colour(), detail="kernel:N")
    bands = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    lines = base.mark_line(strokeWidth=1.6).encode(y=y, strokeDash=common.dash())
    points = base.mark_point(size=45).encode(
        y=y,
        shape=common.shape(),
        tooltip=common.tooltip(kernel="kernel", time="a call", workload="workload", size="m × n"),
    )
    rings = (
        alt.Chart(alt.NamedData("crossings"))
        .mark_point(filled=False, size=130, stroke="var(--ink)", strokeWidth=1.3)
        .encode(x=alt.X("elements:Q", scale=scale), y=y, tooltip=common.tooltip(text="where they cross"))
    )
    ends = common.lines_end("seconds", "label", scale)
    return alt.layer(rects, bands, lines, points, rings, names, ends)


def _crossings(rows: list[Spec]) -> list[Spec]:
    """Where two kernels change places between neighbouring sizes, their intervals apart on both sides."""
    of: dict[str, dict[int, Spec]] = {}
    for row in rows:
        of.setdefault(row["kernel"], {})[row["elements"]] = row
    found = []
    for one, other in combinations(of, 2):
        for left, right in pairwise(sorted(set(of[one]) & set(of[other]))):
            ends = [(of[one][size], of[other][size]) for size in (left, right)]
            gaps = [log(a["seconds"] / b["seconds"]) for a, b in ends]
            shown = all(common.apart(a["low"], a["high"], b["low"], b["high"]) for a, b in ends)
            if shown and gaps[0] * gaps[1] < 0:
                share = gaps[0] / (gaps[0] - gaps[1])
                at = exp(log(left) + share * log(right / left))
                seconds = exp(log(ends[0][0]["seconds"]) + share * log(ends[1][0]["seconds"] / ends[0][0]["seconds"]))
                slower, faster = (one, other) if gaps[1] > 0 else (other, one)
                found.append(
                    {
                        "kind": rows[0]["kind"],
                        "kernel": faster,
                        "other": slower,
                        "elements": at,
                        "seconds": seconds,
                        "text": f"{faster} overtakes {slower} at about {format_si(at)} elements",
                    }
                )
    return sorted(found, key=lambda crossing: float(crossing["elements"]))


def _caches(results: Results, rows: Iterable[Spec]) -> list[Spec]:
    """For each kind of workload, which sizes fit into which level of cache, cut to the chart."""
    levels: dict[int, tuple[int, int]] = {}
    for cache in results.machine["hardware"].get("caches") or ():
        levels[cache["level"]] = cache["bytes"], cache.get("shared_by") or 1
    found = []
    kind_of = _kinds(results)
    records = {kind_of(record): record for record in results.records}
    for kind, group in groupby(sorted(rows, key=lambda row: str(row["kind"])), key=lambda row: str(row["kind"])):
        record, sizes_ = records[kind], [row["elements"] for row in group]
        edge, end = min(sizes_), max(sizes_)
        itemsize = 4 if record.dtype == "float32" else 8
        tops = [
            (f"L{level}", size * ceil(record.threads / shared) / itemsize, 0.2 - 0.05 * place)
            for place, (level, (size, shared)) in enumerate(sorted(levels.items()))
        ]
        for name, top, opacity in [*tops, ("memory", end, 0.0)]:
            if min(top, end) > edge:
                found.append(
                    {"kind": kind, "from": edge, "to": min(top, end), "name": name, "opacity": max(0.0, opacity)}
                )
                edge = min(top, end)
            if edge >= end:
                break
    return found


def _remarks(rows: list[Spec], crossings: list[Spec]) -> Iterable[Spec]:
    """For each kind: which is fastest over which sizes, and the first of what crosses."""
    for kind, group in groupby(rows, key=lambda row: str(row["kind"])):
        best: dict[int, Spec] = {}
        for row in group:
            best.setdefault(row["elements"], row)
        names = dict.fromkeys(row["kernel"] for row in best.values())
        if len(names) == 1:
            yield {"kind": kind, "text": f"{next(iter(names))} is fastest at every size measured."}
        else:
            parts_ = [f"{row['kernel']} at {format_si(size)}" for size, row in best.items()]
            yield {"kind": kind, "text": f"Fastest by size, in elements: {', '.join(parts_)}."}
        own = [crossing["text"] for crossing in crossings if crossing["kind"] == kind]
        if own:
            more = f"; and {len(own) - 4} more, ringed in the chart" if len(own) > 4 else ""
            yield {"kind": kind, "text": f"Crossings: {'; '.join(own[:4])}{more}."}
