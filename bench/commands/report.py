"""`python -m bench report`: a run in the terminal and as a page, or as Markdown, CSV, pictures."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.results.record import Results

MISSING = "a page needs Altair and vl-convert: pip install '.[report]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command."""
    parser.add_argument(
        "files",
        metavar="RUN.json",
        type=Path,
        nargs="*",
        help="results/<machine>/<run>.json (default: this machine's newest that was not interrupted)",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="the page (default: <run>.html beside the run)")
    parser.add_argument("--svg", metavar="DIR", type=Path, help="the charts as pictures, and no page")
    parser.add_argument("--csv", action="store_true", help="as CSV, a row a record, and no page")
    parser.add_argument("--markdown", action="store_true", help="as Markdown tables, and no page")
    parser.add_argument("--workloads", metavar="A,B", default="", help="these only, with --markdown")
    parser.add_argument("--fit", action="store_true", help="how time grows with m and n (a run of --profile full)")
    parser.add_argument("--ladder", metavar="WORKLOAD", help="rung by rung, what each won over the one before it")


def run(chosen: argparse.Namespace) -> int:
    """Print or write what was asked for, of each file. Returns the exit code; raises ValueError in one line."""
    from bench.results import record, store

    files = chosen.files or [store.newest()]
    if chosen.output and len(files) > 1:
        raise ValueError(f"--output takes one run; {len(files)} were given: leave it out, and each gets its page")
    if chosen.output:
        require_page(chosen.output)
    if chosen.svg:
        _require_extra()
    for file in files:
        _report(file, record.read(file), chosen)
    return 0


def _report(file: Path, results: Results, chosen: argparse.Namespace) -> None:
    from rich.console import Console

    from bench.analysis import scaling
    from bench.report import csv_export, headline, markdown, terminal
    from bench.report import scaling as scaling_report

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
        headline.closing(console, results)
    if chosen.svg:
        for path in _pictures(results, chosen.svg):
            print(f"picture: {_shown(path)}")
    if chosen.output:
        print(f"page: {_shown(write_page(file, chosen.output, results))}")
    elif not (chosen.fit or chosen.csv or chosen.markdown or chosen.ladder or chosen.svg):
        print(page_line(file, results))


def page_line(file: Path, results: Results | None = None) -> str:
    """Write the page beside the run, if its libraries are there, and say where it is. Raises ValueError."""
    from bench.results import record

    try:
        _require_extra()
    except ValueError as missing:
        return f"no page: {missing}"
    return f"page: {_shown(write_page(file, file.with_suffix('.html'), results or record.read(file)))}"


def write_page(file: Path, output: Path, results: Results) -> Path:
    """The page of a run, written whole or not at all. Raises ValueError where it cannot be."""
    from bench.report.page.run_page import run_page

    if not any(one.seconds for one in results.records):
        raise ValueError(f"{file.name}: no kernel was timed in it, so there is nothing to draw")
    write(output, run_page(results))
    return output


def _pictures(results: Results, folder: Path) -> Iterator[Path]:
    from bench.report.pictures import pictures

    for name, svg in pictures(results):
        write(folder / f"{name}.svg", svg)
        yield folder / f"{name}.svg"


def write(path: Path, text: str) -> None:
    """Whole or not at all. Raises ValueError where it cannot be."""
    whole = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
        whole.replace(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        if whole.exists():
            whole.unlink()


def require_page(output: Path) -> None:
    """Raise ValueError where no page can be called that, or what draws one is not installed."""
    if output.suffix == ".json":
        raise ValueError(f"--output {output}: a page is HTML; expected a name such as {output.with_suffix('.html')}")
    _require_extra()


def _require_extra() -> None:
    from importlib.util import find_spec

    if not (find_spec("altair") and find_spec("vl_convert")):
        raise ValueError(MISSING)


def _shown(path: Path) -> str:
    return os.path.relpath(path)
