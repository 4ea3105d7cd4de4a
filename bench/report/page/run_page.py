"""A run's page: its sections in order; and its charts as pictures. Pure: results in, texts out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bench.report import headline
from bench.report.machine import processor
from bench.report.page import palette
from bench.report.page.charts.accuracy import accuracy
from bench.report.page.charts.calls import calls
from bench.report.page.charts.cold_start import cold_start
from bench.report.page.charts.curves import curves
from bench.report.page.charts.fastest import fastest
from bench.report.page.charts.heatmap import heatmap
from bench.report.page.charts.provenance import fingerprint, outcomes
from bench.report.page.charts.roofline import ceiling_share, roofline
from bench.report.page.charts.rounds import rounds
from bench.report.page.charts.sizes import sizes
from bench.report.page.charts.speedup import speedup
from bench.report.page.charts.threads import threads
from bench.report.page.document import page
from bench.report.page.section import PageHeader, Section, Series, matches
from bench.results.record import Results

_SECTIONS: tuple[Callable[[Results], Section | Iterable[Section]], ...] = (
    speedup,
    fastest,
    sizes,
    calls,
    curves,
    ceiling_share,
    roofline,
    rounds,
    outcomes,
    fingerprint,
    heatmap,
    cold_start,
    accuracy,
    threads,
)
_PICTURE_WIDTH = 680
"""Pixels, without the labels: with them a picture fits the column of a README."""


def sections(results: Results) -> list[Section]:
    """The sections that the run has data for."""
    made = (make(results) for make in _SECTIONS)
    in_order = (one for part in made for one in ([part] if isinstance(part, Section) else part))
    return [section for section in in_order if section.rows]


def run_page(results: Results) -> str:
    """The whole page."""
    parts = sections(results)
    title = f"logitbench on {results.machine['id']}"
    return page(title, parts, page_header(results), palette.css(), timed_kernels(results, parts))


def timed_kernels(results: Results, parts: Sequence[Section]) -> tuple[Series, ...]:
    """The kernels that the reader can hide: those that a chart shows."""
    names = {row[section.hide[0]] for section in parts if section.chart for row in section.rows}
    return palette.series(palette.kernel_styles(results.records), names)


def page_header(results: Results) -> PageHeader:
    """The top of the page."""
    hardware, software = results.machine["hardware"], results.machine["software"]
    parts = (
        f"{processor(results.machine)}, {hardware['cores']} cores, {hardware['memory_gib']} GiB",
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
    """Each section's name and its chart as an SVG in the light colours, with the first value of each selector.

    Raises ImportError without the `report` extra.
    """
    import vl_convert

    for section in sections(results):
        if section.chart:
            chart = palette.with_light_colours(filled(section)) | {"width": _PICTURE_WIDTH, "autosize": "pad"}
            yield section.name, vl_convert.vegalite_to_svg(json.dumps(chart))


def filled(section: Section) -> dict[str, Any]:
    """The chart with its data, for the first value of each selector."""
    first = {selector.field: section.first_value(selector) for selector in section.selectors}
    charts = section.chart or {}
    chart = dict(charts[first[section.chart_by]] if section.chart_by else charts)
    datasets = {"rows": list(section.rows), **chart.get("datasets", {})}
    chart["datasets"] = {
        name: [row for row in rows if all(matches(row, field, value) for field, value in first.items())]
        for name, rows in datasets.items()
    }
    return chart
