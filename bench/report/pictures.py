"""The page's charts as pictures that stand alone: SVG, in the light colours, each at its first choice."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.record import Results
from bench.report.html import filled
from bench.report.palette import alone
from bench.report.run_page import sections

_WIDTH = 680
"""Pixels without the labels: with them it fits a README's column."""


def pictures(results: Results) -> Iterator[tuple[str, str]]:
    """A section's name and its chart's SVG. Raises ImportError without the `report` extra."""
    import vl_convert

    for section in sections(results):
        if section.chart:
            chart = alone(filled(section)) | {"width": _WIDTH, "autosize": "pad"}
            yield section.name, vl_convert.vegalite_to_svg(json.dumps(chart))
