"""The page's charts as pictures that stand alone: SVG, in the light colours, each at its first choice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bench.report.page.document import Section
from bench.report.page.palette import alone
from bench.report.page.run_page import sections
from bench.results.record import Results

_WIDTH = 680
"""Pixels without the labels: with them it fits a README's column."""


def pictures(results: Results) -> Iterator[tuple[str, str]]:
    """A section's name and its chart's SVG. Raises ImportError without the `report` extra."""
    import vl_convert

    for section in sections(results):
        if section.chart:
            chart = alone(filled(section)) | {"width": _WIDTH, "autosize": "pad"}
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
