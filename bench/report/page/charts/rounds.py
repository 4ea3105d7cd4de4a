"""Every timed round, launch by launch: the raw data behind the intervals."""

from __future__ import annotations

from math import ceil
from typing import Any

import altair as alt

from bench.analysis.statistics import value_of_launch
from bench.report.headline import race_name, several_threads
from bench.report.page import palette
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Results
from kernels.ceilings.specs import SPECS

_MAX_ROUNDS = 100_000
"""On a page, which would be over 6 MB with more. Of more rounds it has every nth of each launch."""
Spec = dict[str, Any]


def rounds(results: Results) -> Section:
    """A dot for each round; in the row of each kernel a line for each launch, with a stroke at its value."""
    rows = _rows(results)
    round_count = sum(row["rounds"] for row in rows)
    step = max(1, ceil(round_count / _MAX_ROUNDS))
    statistic = results.run.get("statistic", "median")
    text = [
        "A dot is one round: its time per call, to five digits. Each kernel has a line for each launch, the first at "
        f"the top, and a stroke at the launch's {statistic}. Launches differ because memory has other "
        "addresses and other processes run, so the intervals above are across launches. The rounds that measured the "
        "machine's ceiling are left out.",
    ]
    if step > 1:
        text.append(
            f"There are {round_count:,} rounds; the chart and the CSV have one in {step}. The results file has all."
        )
    for row in rows:
        row["seconds"] = [float(f"{seconds:.5g}") for seconds in row["seconds"][::step]]
    return Section(
        name="rounds",
        heading="Every round",
        text=tuple(text),
        chart=common.to_spec(_chart(), height={"step": 44, "for": "position"}),
        alt=(
            "Dots, a row for each kernel and in it a line for each launch: the time per call in each round. The "
            f"table below has each launch's {statistic}."
        ),
        columns=(
            common.RACE,
            common.KERNEL,
            Column("launch", "launch", number=True),
            Column("rounds", "rounds", number=True),
            common.seconds_column("least", "fastest"),
            common.seconds_column("value", statistic),
            common.seconds_column("most", "slowest"),
        ),
        rows=tuple(rows),
        selectors=(common.workload_selector(results),),
        hide=("of",),
        list_fields=("seconds",),
    )


def _rows(results: Results) -> list[Spec]:
    styles = palette.kernel_styles(results.records)
    several = several_threads(results)
    first = {(record.workload, record.threads): record for record in results.records}
    rank = {
        (record.workload, record.threads, record.kernel): index
        for index, (record, _, _) in enumerate(common.timed_rows(results))
    }
    value, rows = value_of_launch(results.run.get("statistic")), []
    for race in results.races:
        key = (race["workload"], race.get("threads"))
        for samples in race.get("rounds", ()):
            of = samples["kernel"].removesuffix(" (control)")
            if samples["kernel"] in SPECS or key not in first or of not in styles or not samples["seconds"]:
                continue
            seconds = samples["seconds"]
            rows.append(
                {
                    "race": race_name(first[key], several),
                    "kernel": samples["kernel"],
                    "of": of,
                    **styles[of],
                    "launch": samples["launch"] + 1,
                    "rounds": len(seconds),
                    "least": min(seconds),
                    "value": value(seconds),
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
        .encode(x=alt.X("seconds:Q", scale=scale, axis=common.seconds_axis("time per call in one round")))
    )
    values = base.mark_tick(thickness=2, height=8, color="var(--ink)").encode(
        x=alt.X("value:Q", scale=scale),
        color=alt.value("var(--ink)"),
        tooltip=common.tooltip(kernel="kernel", launch="launch", rounds="rounds"),
    )
    return alt.layer(dots, values)
