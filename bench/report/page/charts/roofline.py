"""How near the machine's limit: the share, and the roofline that explains it."""

from __future__ import annotations

from math import log10
from typing import Any

import altair as alt

from bench.report.formatting import format_significant
from bench.report.headline import LIMITS
from bench.report.page.charts import common
from bench.report.page.document import Column, Section
from bench.results.record import Results

_HEIGHT = 320
_READ, _MULTIPLY, _SIGMOID = ("bytes_per_second", "flops_per_second", "seconds")
Spec = dict[str, Any]


def share(results: Results) -> Section:
    """Of the limit, with its interval: a row a kernel."""
    rows = []
    for record, _seconds, row in common.common(results):
        if ceiling := record.ceiling:
            span = (
                f" [{common.percent(ceiling.low)}, {common.percent(ceiling.high)}]"
                if ceiling.low and ceiling.high
                else ""
            )
            rows.append(
                row
                | {
                    "limit": LIMITS.get(ceiling.name, ceiling.name),
                    "share": ceiling.fraction,
                    "low": ceiling.low,
                    "high": ceiling.high,
                    "figures": f"{common.percent(ceiling.fraction)}{span}",
                }
            )
    chart = common.points_with_intervals(
        "share",
        alt.Axis(title="share of the limit", format=".0%", grid=True, tickCount=6),
        alt.Scale(domainMin=0, domainMax=max([1.05, *(row["high"] or row["share"] for row in rows)])),
        {"at": 1, "says": "limit"},
        common.tooltip(kernel="kernel", figures="of the limit", limit="the limit"),
    )
    return Section(
        name="limit",
        heading="Share of the machine’s limit",
        text=(
            "Whoever computes this gradient reads X and y once, takes a sigmoid and its loss for each example, "
            "and multiplies and "
            "adds for each element twice. Each of these was timed by itself on this machine in the same race; "
            "the longest "
            "of them is the limit, and 100% would be as fast as it.",
        ),
        chart=common.finished(chart, height={"step": 27}, top=18),
        alt=(
            "Points with intervals, a row for each kernel, fastest first: share of the machine's limit, from 0 "
            "to 100%. The table below has the numbers."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            Column("share", "of the limit", common.percent, number=True),
            Column("low", "low, 95%", common.percent, number=True),
            Column("high", "high, 95%", common.percent, number=True),
            Column("limit", "the limit"),
        ),
        rows=tuple(rows),
        choices=(common.choice(results),),
        series=common.legend(results, rows),
    )


def roofline(results: Results) -> Section:
    """Operational intensity against rate, under what was measured of the machine in the same race."""
    ceilings = {(race["workload"], race.get("threads")): race.get("ceilings") or {} for race in results.races}
    rows: list[Spec] = []
    roofs: list[Spec] = []
    for record, seconds, row in common.common(results):
        own = ceilings.get((record.workload, record.threads), {})
        if set(own) < set(LIMITS) or record.device == "gpu":
            continue
        flops = 4 * record.m * record.n
        passes = record.passes or 1
        rows.append(
            row
            | {
                "passes": record.passes,
                "intensity": flops / (passes * record.bytes_per_call),
                "rate": flops / seconds.median,
                "figures": f"{format_significant(flops / seconds.median / 1e9)} GFLOP/s",
                "reads": "not known; drawn at once" if record.passes is None else f"{record.passes:g} ×",
            }
        )
        if not any(roof["race"] == row["race"] for roof in roofs):
            roofs += _roofs(row["race"], own, flops, flops / record.bytes_per_call)
    for race in dict.fromkeys(row["race"] for row in rows):
        _label([row for row in rows if row["race"] == race])
    return Section(
        name="roofline",
        heading="The roofline behind it",
        level=3,
        text=(
            "Multiplications and additions for each byte that a kernel reads, against how many of them it does "
            "in a second. The slope is the "
            "rate at which this machine reads data of this size, the level lines are the products, and the "
            "sigmoids (which cap "
            "the rate, since each example needs one). A kernel that reads X twice stands at half the intensity of "
            "one that reads it once; if X stays in a cache between its passes, it can rise above the slope.",
        ),
        chart=common.finished(_chart(), {"roofs": roofs}, height=_HEIGHT),
        alt=(
            "Points under lines on logarithmic axes: operations per byte against operations per second, with the "
            "measured limits as lines. The table below has the numbers."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            Column("passes", "reads X", lambda value: f"{value:g} ×", number=True),
            common.number_column("intensity", "flop per byte"),
            Column("rate", "GFLOP/s", lambda value: format_significant(value / 1e9), number=True),
        ),
        rows=tuple(rows),
        choices=(common.choice(results),),
        series=common.legend(results, rows),
    )


def _label(rows: list[Spec]) -> None:
    span = max(log10(row["rate"]) for row in rows) - min(log10(row["rate"]) for row in rows) + 1
    for place in dict.fromkeys(row["intensity"] for row in rows):
        own = [row for row in rows if row["intensity"] == place]
        for row, where in zip(
            own, common.spread([log10(row["rate"]) for row in own], 14 * span / _HEIGHT), strict=True
        ):
            row["label"] = 10**where


def _roofs(race: str, ceilings: Spec, flops: int, intensity: float) -> list[Spec]:
    """The lines: of reading up to where products take over, of products from there, of sigmoids all along."""
    read, products = ceilings["read"][_READ], ceilings["multiply"][_MULTIPLY]
    sigmoids = flops / ceilings["sigmoid"][_SIGMOID]
    ridge = products / read
    low, high = intensity / 6, max(intensity * 6, ridge * 3)
    lines = {
        f"reading, {format_significant(read / 1e9)} GB/s": [(low, low * read), (ridge, products)],
        f"products, {format_significant(products / 1e9)} GFLOP/s": [(ridge, products), (high, products)],
        "sigmoids": [(low, sigmoids), (high, sigmoids)],
    }
    return [
        {"race": race, "name": name, "intensity": x, "rate": y, "place": place}
        for name, points in lines.items()
        for place, (x, y) in enumerate(points)
    ]


def _chart() -> common.Chart:
    scale = alt.Scale(type="log", nice=False, padding=4)
    x = alt.X("intensity:Q", scale=scale, axis=common.log_axis("operations per byte read", common.ROUND_LABEL))
    rate = common.ROUND_LABEL.replace("format(datum.value,", "format(datum.value/1e9,").replace("<1?", "<1e9?")
    y = alt.Y("rate:Q", scale=scale, axis=common.log_axis("10⁹ operations a second", rate))
    roof = alt.Chart(alt.NamedData("roofs"))
    lines = roof.mark_line(color="var(--ink)", strokeWidth=1.5).encode(x=x, y=y, detail="name:N")
    slope = roof.transform_filter("datum.place == 1 && indexof(datum.name, 'reading') == 0")
    level = roof.transform_filter("datum.place == 1 && indexof(datum.name, 'reading') != 0")
    slope_name = slope.mark_text(align="right", dx=-10, dy=4, fill="var(--soft)", fontSize=11).encode(
        x=x, y=y, text="name:N"
    )
    level_name = level.mark_text(align="right", dy=-7, fill="var(--soft)", fontSize=11).encode(
        x=x, y=y, text="name:N"
    )
    base = alt.Chart(common.ROWS).encode(x=x, color=common.colour())
    points = base.mark_point(size=60).encode(
        y=y, shape=common.shape(), tooltip=common.tooltip(kernel="kernel", figures="rate", reads="reads X")
    )
    names = base.mark_text(align="left", dx=9, fontSize=11).encode(
        y=alt.Y("label:Q", scale=scale), text="kernel:N", color=alt.value("var(--ink)")
    )
    return alt.layer(lines, slope_name, level_name, points, names.properties(name=f"{common.WIDE}_names"))
