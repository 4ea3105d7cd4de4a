"""The evidence: every round that was timed, launch by launch."""

from __future__ import annotations

from math import ceil
from statistics import median
from typing import Any

import altair as alt

from bench.report.headline import race_name, several_threads
from bench.report.page import palette
from bench.report.page.charts import common
from bench.report.page.document import Column, Section
from bench.results.record import Results
from kernels.ceilings.specs import SPECS

_MOST = 100_000
"""Rounds on a page: with more it would weigh over 6 MB. The rest is thinned out evenly, launch by launch."""
Spec = dict[str, Any]


def rounds(results: Results) -> Section:
    """A dot a round, a row a kernel, and in it a line a launch, with a stroke at its median."""
    rows = _rows(results)
    counted = sum(row["rounds"] for row in rows)
    step = ceil(counted / _MOST) if counted else 1
    text = [
        "Every round as a dot: what a call took in it, to five digits. Each kernel has a line for each launch, the "
        "first at the top, and a stroke at the launch's median. A kernel's launches differ by where its memory came "
        "to lie and by what else ran, which is why the intervals above are across launches. The rounds in which the "
        "machine's limits were measured are left out.",
    ]
    if step > 1:
        text.append(
            f"There are {counted:,} rounds; shown, and in the CSV, is one in {step}. The results file has all."
        )
    for row in rows:
        row["seconds"] = [float(f"{seconds:.5g}") for seconds in row["seconds"][::step]]
    return Section(
        name="rounds",
        heading="Every round",
        text=tuple(text),
        chart=common.finished(_chart(), height={"step": 44, "for": "position"}),
        alt=(
            "Dots, a row for each kernel and in it a line for each launch: the time of a call in each round. The "
            "table below has each launch's median."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            Column("launch", "launch", number=True),
            Column("rounds", "rounds", number=True),
            common.seconds_column("least", "fastest"),
            common.seconds_column("median", "median"),
            common.seconds_column("most", "slowest"),
        ),
        rows=tuple(rows),
        choices=(common.choice(results),),
        series=palette.series(palette.looks(results.records), (row["of"] for row in rows)),
        hide=("of",),
        list_field="seconds",
    )


def _rows(results: Results) -> list[Spec]:
    looks = palette.looks(results.records)
    several = several_threads(results)
    first = {(record.workload, record.threads): record for record in results.records}
    rank = {
        (record.workload, record.threads, record.kernel): place
        for place, (record, _, _) in enumerate(common.common(results))
    }
    rows = []
    for race in results.races:
        key = (race["workload"], race.get("threads"))
        for entry in race.get("rounds", ()):
            of = entry["kernel"].removesuffix(" (control)")
            if entry["kernel"] in SPECS or key not in first or of not in looks or not entry["seconds"]:
                continue
            seconds = entry["seconds"]
            rows.append(
                {
                    "race": race_name(first[key], several),
                    "kernel": entry["kernel"],
                    "of": of,
                    **looks[of],
                    "launch": entry["launch"] + 1,
                    "rounds": len(seconds),
                    "least": min(seconds),
                    "median": median(seconds),
                    "most": max(seconds),
                    "seconds": seconds,
                    "rank": rank.get((*key, of), len(rank)),
                }
            )
    return sorted(rows, key=lambda row: (row["rank"], row["kernel"], row["launch"]))


def _chart() -> common.Chart:
    scale = alt.Scale(type="log", nice=False, padding=10)
    y = alt.Y("kernel:N", sort=None, title=None, axis=alt.Axis(labelColor="var(--ink)", labelFontSize=13, grid=True))
    launch = alt.YOffset("launch:O", sort="ascending", scale=alt.Scale(paddingOuter=0.6))
    base = alt.Chart(common.ROWS).encode(y=y, yOffset=launch, color=common.colour())
    dots = (
        base.transform_flatten(["seconds"])
        .mark_circle(size=20, opacity=0.5)
        .encode(x=alt.X("seconds:Q", scale=scale, axis=common.seconds_axis("a call, in one round")))
    )
    medians = base.mark_tick(thickness=2, height=8, color="var(--ink)").encode(
        x=alt.X("median:Q", scale=scale),
        color=alt.value("var(--ink)"),
        tooltip=common.tooltip(kernel="kernel", launch="launch", rounds="rounds"),
    )
    return alt.layer(dots, medians)
