"""Time per call against the size of X: which kernel is fastest at which size, and the effect of the caches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations, groupby, pairwise
from math import ceil, exp, log, log10
from typing import Any

import altair as alt

from bench.analysis.scaling import computed
from bench.report.formatting import counted, duration, format_count
from bench.report.page.charts import common
from bench.report.page.section import Column, Section, Selector
from bench.results.record import Record, Results

_HEIGHT = 400
Spec = dict[str, Any]


def sizes(results: Results) -> Section:
    """A line for each kernel over workloads of one operation, dtype, order and number of threads, and of one n where
    needed.
    """
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
            "The time per call against the number of elements of X, on logarithmic axes: time in proportion to size "
            "is a straight line that rises one decade per decade. The bands are 95% intervals across launches. The "
            "shaded areas are the sizes that fit into a level of cache, summed over the cores in use. A hollow ring "
            "marks where one kernel overtakes another, if their intervals do not overlap on either side. A line may "
            "also bend because workloads of different sizes have different shapes.",
        ),
        chart=common.to_spec(
            _chart(), {"caches": _caches(results, rows), "crossings": crossings}, height=_HEIGHT, top=18
        ),
        alt=(
            "Lines on logarithmic axes, one for each kernel: time per call against the elements of X. The table "
            "below has the numbers."
        ),
        columns=(
            Column("kind", "workloads"),
            Column("workload", "workload"),
            common.KERNEL,
            Column("elements", "elements of X", lambda value: f"{value:,}", number=True),
            common.seconds_column("seconds", "time per call"),
            common.seconds_column("low", "low, 95%"),
            common.seconds_column("high", "high, 95%"),
        ),
        rows=tuple(rows),
        selectors=(Selector("kind", "workloads", first),),
        remarks=tuple(_remarks(rows, crossings)),
        hide=("kernel", "other"),
    )


def _rows(results: Results) -> list[Spec]:
    kind_of = _kinds(results)
    rows = [
        row
        | {
            "kind": kind_of(record),
            "workload": record.workload,
            "elements": record.m * record.n,
            "seconds": seconds.estimate,
            "low": seconds.low,
            "high": seconds.high,
            "time": duration(seconds.estimate),
            "size": f"{record.m:,} × {record.n:,}",
            "last": False,
        }
        for record, seconds, row in common.compared_rows(results)
    ]
    rows.sort(key=lambda row: (row["kind"], row["elements"], row["seconds"]))
    for _, group in groupby(rows, key=lambda row: str(row["kind"])):
        _label(list(group))
    return rows


def _label(rows: list[Spec]) -> None:
    """Mark the ends of the lines that reach the largest size, and place their names without overlap."""
    largest = max(row["elements"] for row in rows)
    ends = list({row["kernel"]: row for row in rows if row["elements"] == largest}.values())
    span = log10(max(row["seconds"] for row in rows)) - log10(min(row["seconds"] for row in rows))
    positions = common.spread_labels([log10(row["seconds"]) for row in ends], 15 * (span or 1) / _HEIGHT)
    for row, position in zip(ends, positions, strict=True):
        row |= {"last": True, "label": 10**position}


def _kinds(results: Results) -> Callable[[Record], str]:
    """A function: record → what the workloads of its line share.

    With what is computed if that differs, and with n if workloads of one size differ in n.
    """
    shapes = {((computed(one), one.dtype, one.order, one.threads, one.m * one.n), one.n) for one in results.records}
    by_shape = len({size for size, _ in shapes}) < len(shapes)
    by_operation = len(set(map(computed, results.records))) > 1

    def kind(record: Record) -> str:
        parts = (
            computed(record) if by_operation else "",
            record.dtype,
            f"{record.order} order",
            counted(record.threads, "thread"),
            f"{record.n:,} feature{'s' * (record.n != 1)}" if by_shape else "",
        )
        return ", ".join(part for part in parts if part)

    return kind


def _chart() -> common.Chart:
    scale = alt.Scale(type="log", nice=False)
    y = alt.Y("seconds:Q", scale=scale, axis=common.seconds_axis("time per call"))
    x_axis = common.log_axis("elements of X (m × n)", common.COUNT_LABEL)
    x = alt.X("elements:Q", scale=scale, axis=x_axis)
    shades = alt.Chart(alt.NamedData("caches"))
    rects = shades.mark_rect(fill="var(--shade)").encode(
        x=alt.X("from:Q", scale=scale, axis=x_axis),
        x2="to:Q",
        opacity=alt.Opacity("opacity:Q", scale=None, legend=None),
    )
    cache_names = shades.mark_text(align="left", dx=4, dy=-8, fill="var(--soft)", fontSize=11).encode(
        x=alt.X("from:Q", scale=scale), y=alt.value(0), text="name:N"
    )
    base = alt.Chart(common.ROWS).encode(x=x, color=common.colour(), detail="kernel:N")
    bands = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    lines = base.mark_line(strokeWidth=1.6).encode(y=y, strokeDash=common.dash())
    points = base.mark_point(size=45).encode(
        y=y,
        shape=common.shape(),
        tooltip=common.tooltip(kernel="kernel", time="time per call", workload="workload", size="m × n"),
    )
    rings = (
        alt.Chart(alt.NamedData("crossings"))
        .mark_point(filled=False, size=130, stroke="var(--ink)", strokeWidth=1.3)
        .encode(x=alt.X("elements:Q", scale=scale), y=y, tooltip=common.tooltip(text="crossing"))
    )
    ends = common.line_end_labels("seconds", "label", scale)
    return alt.layer(rects, bands, lines, points, rings, cache_names, ends)


def _crossings(rows: list[Spec]) -> list[Spec]:
    """Where one kernel overtakes another between neighbouring sizes, with disjoint intervals at both sizes."""
    by_kernel: dict[str, dict[int, Spec]] = {}
    for row in rows:
        by_kernel.setdefault(row["kernel"], {})[row["elements"]] = row
    crossings = []
    for one, other in combinations(by_kernel, 2):
        for left, right in pairwise(sorted(set(by_kernel[one]) & set(by_kernel[other]))):
            ends = [(by_kernel[one][size], by_kernel[other][size]) for size in (left, right)]
            gaps = [log(a["seconds"] / b["seconds"]) for a, b in ends]
            significant = all(common.are_disjoint(a["low"], a["high"], b["low"], b["high"]) for a, b in ends)
            if significant and gaps[0] * gaps[1] < 0:
                fraction = gaps[0] / (gaps[0] - gaps[1])
                elements = exp(log(left) + fraction * log(right / left))
                seconds = exp(
                    log(ends[0][0]["seconds"]) + fraction * log(ends[1][0]["seconds"] / ends[0][0]["seconds"])
                )
                slower, faster = (one, other) if gaps[1] > 0 else (other, one)
                crossings.append(
                    {
                        "kind": rows[0]["kind"],
                        "kernel": faster,
                        "other": slower,
                        "elements": elements,
                        "seconds": seconds,
                        "text": f"{faster} overtakes {slower} at about {format_count(elements)} elements",
                    }
                )
    return sorted(crossings, key=lambda crossing: float(crossing["elements"]))


def _caches(results: Results, rows: Iterable[Spec]) -> list[Spec]:
    """For each kind of workload, the sizes that fit into each level of cache, cut to the range of the chart."""
    levels: dict[int, tuple[int, int]] = {}
    for cache in results.machine["hardware"].get("caches") or ():
        levels[cache["level"]] = cache["bytes"], cache.get("shared_by") or 1
    areas = []
    kind_of = _kinds(results)
    records = {kind_of(record): record for record in results.records}
    for kind, group in groupby(sorted(rows, key=lambda row: str(row["kind"])), key=lambda row: str(row["kind"])):
        record, elements = records[kind], [row["elements"] for row in group]
        edge, end = min(elements), max(elements)
        itemsize = 4 if record.dtype == "float32" else 8
        tops = [
            (f"L{level}", size * ceil(record.threads / shared) / itemsize, 0.2 - 0.05 * index)
            for index, (level, (size, shared)) in enumerate(sorted(levels.items()))
        ]
        for name, top, opacity in [*tops, ("memory", end, 0.0)]:
            if min(top, end) > edge:
                areas.append(
                    {"kind": kind, "from": edge, "to": min(top, end), "name": name, "opacity": max(0.0, opacity)}
                )
                edge = min(top, end)
            if edge >= end:
                break
    return areas


def _remarks(rows: list[Spec], crossings: list[Spec]) -> Iterable[Spec]:
    """For each kind: the fastest kernel at each size, and the first four crossings."""
    for kind, group in groupby(rows, key=lambda row: str(row["kind"])):
        best: dict[int, Spec] = {}
        for row in group:
            best.setdefault(row["elements"], row)
        names = dict.fromkeys(row["kernel"] for row in best.values())
        if len(names) == 1:
            yield {"kind": kind, "text": f"{next(iter(names))} is fastest at every size measured."}
        else:
            fastest = [f"{row['kernel']} at {format_count(size)}" for size, row in best.items()]
            yield {"kind": kind, "text": f"Fastest by size, in elements: {', '.join(fastest)}."}
        texts = [crossing["text"] for crossing in crossings if crossing["kind"] == kind]
        if texts:
            more = f"; and {len(texts) - 4} more, ringed in the chart" if len(texts) > 4 else ""
            yield {"kind": kind, "text": f"Crossings: {'; '.join(texts[:4])}{more}."}
