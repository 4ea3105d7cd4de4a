"""How near each kernel is to the machine's ceiling: its share of the ceiling, and the roofline that explains it."""

from __future__ import annotations

from math import log10, sqrt
from typing import Any

import altair as alt

from bench.report import operations
from bench.report.formatting import format_significant
from bench.report.notes import CEILINGS
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Results
from kernels.ceilings.specs import UNITS

_HEIGHT = 320
_READ, _MULTIPLY = "bytes_per_second", "flops_per_second"
Spec = dict[str, Any]


def ceiling_share(results: Results) -> Section:
    """A row for each kernel: its share of the ceiling, with the 95% interval."""
    rows = []
    said = {}
    for record, _seconds, row in common.compared_rows(results):
        if ceiling := record.ceiling:
            said[row["race"]] = operations.texts(results, record.operation).get("ceiling")
            low_high = (
                f" [{common.percent(ceiling.low)}, {common.percent(ceiling.high)}]"
                if ceiling.low and ceiling.high
                else ""
            )
            rows.append(
                row
                | {
                    "ceiling": CEILINGS.get(ceiling.name, ceiling.name),
                    "share": ceiling.fraction,
                    "low": ceiling.low,
                    "high": ceiling.high,
                    "figures": f"{common.percent(ceiling.fraction)}{low_high}",
                }
            )
    chart = common.points_with_intervals(
        "share",
        alt.Axis(title="share of the ceiling", format=".0%", grid=True, tickCount=6),
        alt.Scale(domainMin=0, domainMax=max([1.05, *(row["high"] or row["share"] for row in rows)])),
        {"at": 1, "text": "ceiling"},
        common.tooltip(kernel="kernel", figures="share", ceiling="ceiling"),
    )
    return Section(
        name="ceiling",
        heading="Share of the machine’s ceiling",
        text=(
            "No kernel can avoid reading the data, and the sigmoids and the products of its operation. Each was "
            "timed alone on this machine in the same race. The longest is the ceiling: a kernel at 100% takes as "
            "long.",
        ),
        chart=common.to_spec(chart, height={"step": 27}, top=18),
        alt=(
            "Points with intervals, a row for each kernel, fastest first: share of the machine's ceiling, from 0 "
            "to 100%. The table below has the numbers."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            Column("share", "of ceiling", common.percent, number=True),
            Column("low", "low, 95%", common.percent, number=True),
            Column("high", "high, 95%", common.percent, number=True),
            Column("ceiling", "ceiling"),
        ),
        rows=tuple(rows),
        remarks=tuple({"race": race, "text": f"{text}."} for race, text in said.items() if text),
        selectors=(common.workload_selector(results),),
    )


def roofline(results: Results) -> Section:
    """Operations per second against operations per byte, below the machine's rates measured in the same race."""
    ceilings = {(race["workload"], race.get("threads")): race.get("ceilings") or {} for race in results.races}
    rows: list[Spec] = []
    roofs: list[Spec] = []
    names: list[Spec] = []
    for record, seconds, row in common.compared_rows(results):
        measured = ceilings.get((record.workload, record.threads), {})
        work = record.work or {}
        complete = set(UNITS) <= set(measured) and set(UNITS) <= set(work)
        if record.ceiling is None or record.device == "gpu" or not complete:
            continue
        flops, read = work["multiply"], work["read"]
        passes = record.passes or 1
        rows.append(
            row
            | {
                "passes": record.passes,
                "intensity": flops / (passes * read),
                "rate": flops / seconds.estimate,
                "figures": f"{format_significant(flops / seconds.estimate / 1e9)} GFLOP/s",
                "reads": "not known; drawn as 1 ×" if record.passes is None else f"{record.passes:g} ×",
            }
        )
        if not any(roof["race"] == row["race"] for roof in roofs):
            lines, line_names = _roofs(row["race"], measured, flops, flops / read)
            roofs += lines
            names += line_names
    for race in dict.fromkeys(row["race"] for row in rows):
        _label([row for row in rows if row["race"] == race])
    return Section(
        name="roofline",
        heading="The roofline behind it",
        level=3,
        text=(
            "Multiplications and additions per second against multiplications and additions per byte that the kernel "
            "reads. The slope is the rate at which this machine reads data of this size. The level lines are its "
            "rate of products, and the rate that products and the operation's sigmoids together allow. A kernel that "
            "reads X twice has half the intensity of one that reads it once. If X stays in a cache between the "
            "passes, the kernel can be above the slope.",
        ),
        chart=common.to_spec(_chart(), {"roofs": roofs, "names": names}, height=_HEIGHT),
        alt=(
            "Points under lines on logarithmic axes: operations per byte against operations per second, with the "
            "measured ceilings as lines. The table below has the numbers."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            Column("passes", "reads X", lambda value: f"{value:g} ×", number=True),
            common.number_column("intensity", "FLOP per byte"),
            Column("rate", "GFLOP/s", lambda value: format_significant(value / 1e9), number=True),
        ),
        rows=tuple(rows),
        selectors=(common.workload_selector(results),),
    )


def _label(rows: list[Spec]) -> None:
    decades = max(log10(row["rate"]) for row in rows) - min(log10(row["rate"]) for row in rows) + 1
    for intensity in dict.fromkeys(row["intensity"] for row in rows):
        column = [row for row in rows if row["intensity"] == intensity]
        positions = common.spread_labels([log10(row["rate"]) for row in column], 14 * decades / _HEIGHT)
        for row, position in zip(column, positions, strict=True):
            row["label"] = 10**position


def _roofs(race: str, ceilings: Spec, flops: float, intensity: float) -> tuple[list[Spec], list[Spec]]:
    """The lines and their names: reading up to the ridge, products from there; over the whole width sigmoids with
    products, or alone where a file does not have both together.
    """
    read, products = ceilings["read"][_READ], ceilings["multiply"][_MULTIPLY]
    sigmoids = flops / ceilings["sigmoid"]["seconds"]
    level = "sigmoids"
    if "arithmetic" in ceilings:
        level, sigmoids = "sigmoids and products", flops / ceilings["arithmetic"]["seconds"]
    slowest = ceilings.get("matmul", {}).get("seconds", 0.0)
    if flops < sigmoids * slowest:
        level, sigmoids = "products of matrices", flops / slowest
    ridge = products / read
    low, high = intensity / 6, max(intensity * 6, ridge * 3)
    middle = sqrt(low * ridge)
    reading = f"reading, {format_significant(read / 1e9)} GB/s"
    multiplying = f"products, {format_significant(products / 1e9)} GFLOP/s"
    lines = {
        reading: [(low, low * read), (ridge, products)],
        multiplying: [(ridge, products), (high, products)],
        level: [(low, sigmoids), (high, sigmoids)],
    }
    sides = ("above", "below") if products >= sigmoids else ("below", "above")
    names = [
        (reading, middle, middle * read, "slope"),
        (multiplying, high, products, sides[0]),
        (level, high, sigmoids, sides[1]),
    ]
    return (
        [
            {"race": race, "name": name, "intensity": x, "rate": y}
            for name, points in lines.items()
            for x, y in points
        ],
        [{"race": race, "name": name, "intensity": x, "rate": y, "side": side} for name, x, y, side in names],
    )


def _chart() -> common.Chart:
    scale = alt.Scale(type="log", nice=False, padding=4)
    x = alt.X(
        "intensity:Q",
        scale=scale,
        axis=common.log_axis("arithmetic intensity: FLOP per byte read", common.ROUND_LABEL),
    )
    rate = common.ROUND_LABEL.replace("format(datum.value,", "format(datum.value/1e9,").replace("<1?", "<1e9?")
    y = alt.Y("rate:Q", scale=scale, axis=common.log_axis("GFLOP/s", rate))
    roof = alt.Chart(alt.NamedData("roofs"))
    lines = roof.mark_line(color="var(--ink)", strokeWidth=1.5).encode(x=x, y=y, detail="name:N")
    roof_names = [
        alt.Chart(alt.NamedData("names"))
        .transform_filter(f"datum.side == '{side}'")
        .mark_text(align="right", dx=dx, dy=dy, fill="var(--soft)", fontSize=11)
        .encode(x=x, y=y, text="name:N")
        for side, dx, dy in (("slope", -8, -4), ("above", 0, -7), ("below", 0, 10))
    ]
    base = alt.Chart(common.ROWS).encode(x=x, color=common.colour())
    points = base.mark_point(size=60).encode(
        y=y, shape=common.shape(), tooltip=common.tooltip(kernel="kernel", figures="rate", reads="reads X")
    )
    names = base.mark_text(align="left", dx=9, fontSize=11).encode(
        y=alt.Y("label:Q", scale=scale), text="kernel:N", color=alt.value("var(--ink)")
    )
    return alt.layer(lines, *roof_names, points, names.properties(name=f"{common.WIDE}_names"))
