"""A run's page: which sections it has, in which order. Pure: results in, the file's text out."""

from __future__ import annotations

from bench.record import Results
from bench.report import headline, palette
from bench.report.charts.speedup import speedup
from bench.report.html import Lead, Section, page


def sections(results: Results) -> list[Section]:
    """Those that the run has data for."""
    return [section for section in (speedup(results),) if section.rows]


def run_page(results: Results) -> str:
    """The whole page."""
    return page(f"logitbench on {results.machine['id']}", sections(results), lead(results), palette.css())


def lead(results: Results) -> Lead:
    """What stands at the top."""
    machine = results.machine
    hardware, software = machine["hardware"], machine["software"]
    where = f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB; {software['python']}; {results.run['began'][:10]}"
    return Lead(
        where, headline.figures(results), headline.sentences(results), headline.trust(results), headline.warnings(results)
    )
