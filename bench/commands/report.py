"""`python -m bench report`: a run in the terminal and as a page, or as Markdown, CSV or pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.exit_codes import OK
from bench.report.output import page_line, relative, require_page, require_page_extra, write_page, write_pictures

if TYPE_CHECKING:
    from bench.results.record import Results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "files",
        metavar="RUN.json",
        type=Path,
        nargs="*",
        help="results/<machine>/<run>.json (default: the newest finished run of this machine)",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="where to write the page (default: <run>.html beside the run)"
    )
    parser.add_argument("--svg", metavar="DIR", type=Path, help="write the charts as pictures, and no page")
    parser.add_argument("--csv", action="store_true", help="print CSV, a row for each record; no page")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables; no page")
    parser.add_argument("--workloads", metavar="A,B", default="", help="with --markdown: these workloads only")
    parser.add_argument(
        "--fit", action="store_true", help="print how time grows with m and n (needs a run of --profile full)"
    )
    parser.add_argument(
        "--ladder", metavar="WORKLOAD", help="print each kernel of the ladder against the one before it"
    )


def report(chosen: argparse.Namespace) -> int:
    """Print or write each file in the chosen form. Raises ValueError, in one line, where that fails."""
    from bench.results import run_file, store

    files = chosen.files or [store.newest()]
    if chosen.output and len(files) > 1:
        raise ValueError(f"--output takes one run; {len(files)} were given: leave it out, and each gets its page")
    if chosen.output:
        require_page(chosen.output)
    if chosen.svg:
        require_page_extra()
    for file in files:
        results = run_file.read(file)
        try:
            _report(file, results, chosen)
        except ValueError as error:
            raise ValueError(f"{file.name}: {error}") from error
    return OK


def _report(file: Path, results: Results, chosen: argparse.Namespace) -> None:
    from rich.console import Console

    from bench.analysis import scaling
    from bench.report import csv_export, headline, markdown, scaling as scaling_report, terminal

    if chosen.fit:
        scaling_report.summary(Console(highlight=False), scaling.fits(results.records), results.machine["id"])
    elif chosen.csv:
        print(csv_export.text(results), end="")
    elif chosen.markdown:
        print(markdown.tables(results, [name for name in chosen.workloads.split(",") if name]), end="")
    elif chosen.ladder:
        print(markdown.ladder(results, chosen.ladder), end="")
    elif not chosen.svg:
        console = Console(highlight=False)
        terminal.summary(console, results)
        headline.print_summary(console, results)
    if chosen.svg:
        for path in write_pictures(results, chosen.svg):
            print(f"picture: {relative(path)}")
    if chosen.output:
        print(f"page: {relative(write_page(chosen.output, results))}")
    elif not (chosen.fit or chosen.csv or chosen.markdown or chosen.ladder or chosen.svg):
        print(page_line(file, results))
