"""A run's page: which sections it has, in which order. Pure: results in, the file's text out."""

from __future__ import annotations

from bench.record import Results
from bench.report import headline, palette
from bench.report.charts.calls import calls
from bench.report.charts.limit import roofline, share
from bench.report.charts.more import accuracy, cold, heatmap, threads
from bench.report.charts.rounds import fingerprint, outcomes, rounds
from bench.report.charts.sizes import sizes
from bench.report.charts.speedup import speedup
from bench.report.html import Lead, Section, page

_SECTIONS = (speedup, sizes, calls, share, roofline, rounds, outcomes, fingerprint, heatmap, cold, accuracy, threads)


def sections(results: Results) -> list[Section]:
    """Those that the run has data for."""
    return [section for section in (make(results) for make in _SECTIONS) if section.rows]


def run_page(results: Results) -> str:
    """The whole page."""
    return page(f"logitbench on {results.machine['id']}", sections(results), lead(results), palette.css())


def lead(results: Results) -> Lead:
    """What stands at the top."""
    hardware, software = results.machine["hardware"], results.machine["software"]
    parts = (
        f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB",
        software["python"],
        str(results.run.get("began", ""))[:10],
    )
    return Lead(
        "; ".join(part for part in parts if part),
        headline.figures(results),
        headline.sentences(results),
        headline.trust(results),
        headline.warnings(results),
    )
