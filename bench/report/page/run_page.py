"""A run's page: which sections it has, in which order; and its charts as pictures. Pure: results in, texts out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bench.report import headline
from bench.report.page import palette
from bench.report.page.charts.accuracy import accuracy
from bench.report.page.charts.calls import calls
from bench.report.page.charts.cold_start import cold
from bench.report.page.charts.heatmap import heatmap
from bench.report.page.charts.provenance import fingerprint, outcomes
from bench.report.page.charts.roofline import roofline, share
from bench.report.page.charts.rounds import rounds
from bench.report.page.charts.sizes import sizes
from bench.report.page.charts.speedup import speedup
from bench.report.page.charts.threads import threads
from bench.report.page.document import PageHeader, Section, page
from bench.results.record import Results

_SECTIONS = (speedup, sizes, calls, share, roofline, rounds, outcomes, fingerprint, heatmap, cold, accuracy, threads)
_PICTURE_WIDTH = 680
"""Pixels without the labels: with them it fits a README's column."""


def sections(results: Results) -> list[Section]:
    """Those that the run has data for."""
    return [section for section in (make(results) for make in _SECTIONS) if section.rows]


def run_page(results: Results) -> str:
    """The whole page."""
    return page(f"logitbench on {results.machine['id']}", sections(results), lead(results), palette.css())


def lead(results: Results) -> PageHeader:
    """What stands at the top."""
    hardware, software = results.machine["hardware"], results.machine["software"]
    parts = (
        f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB",
        software["python"],
        str(results.run.get("began", ""))[:10],
    )
    return PageHeader(
        "; ".join(part for part in parts if part),
        headline.figures(results),
        headline.sentences(results),
        headline.trust(results),
        headline.warnings(results),
    )


def pictures(results: Results) -> Iterator[tuple[str, str]]:
    """A section's name and its chart as an SVG that stands alone, in the light colours, at its first choices.

    Raises ImportError without the `report` extra.
    """
    import vl_convert

    for section in sections(results):
        if section.chart:
            chart = palette.with_light_colours(filled(section)) | {"width": _PICTURE_WIDTH, "autosize": "pad"}
            yield section.name, vl_convert.vegalite_to_svg(json.dumps(chart))


def filled(section: Section) -> dict[str, Any]:
    """The chart with its data, for the first of each choice: there is no reader to choose."""
    first = {choice.field: section.first(choice) for choice in section.choices}
    chart = dict(section.chart or {})
    every = {"rows": list(section.rows), **chart.get("datasets", {})}
    chart["datasets"] = {
        name: [row for row in rows if all(row.get(field, value) == value for field, value in first.items())]
        for name, rows in every.items()
    }
    return chart
