"""Runs side by side as a page: which sections it has, in which order. Pure: comparisons in, the file's text out."""

from __future__ import annotations

from collections.abc import Sequence

from bench.commands.compare import text
from bench.commands.compare.compare import Comparison
from bench.commands.compare.differences import Difference
from bench.report.comparison_charts import dumbbells, forest
from bench.report.page import document, palette
from bench.report.page.document import Column, Lead, Section
from bench.results.store import Run


def page(runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]) -> str:
    """The whole page."""
    names = text.letters(runs)
    closing = [line for name, one in zip(names[1:], found, strict=True) for line in text.closing(one, name)]
    shaky = dict.fromkeys(line for one in found for line in text.shaky(one))
    lead = Lead("; ".join(text.legend(runs)), sentences=tuple(closing), warnings=tuple(shaky))
    return document.page("Runs compared", sections(runs, differing, found), lead, palette.css())


def sections(runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]) -> list[Section]:
    """Those that there is something to show in."""
    charts = (dumbbells(runs, found), forest(runs, found), forest(runs, found, normalised=True))
    return [section for section in (*charts, _differences(runs, differing)) if section.rows]


def _differences(runs: Sequence[Run], differing: Sequence[Difference]) -> Section:
    names = text.letters(runs)
    return Section(
        name="differences",
        heading="What differs",
        columns=(Column("group", ""), Column("name", ""), *(Column(name, name) for name in names)),
        rows=tuple(
            {"group": one.group, "name": one.name} | dict(zip(names, one.values, strict=True)) for one in differing
        ),
    )
