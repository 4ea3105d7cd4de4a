"""`python -m bench compare`: its arguments, and the output in the terminal, as Markdown or as a page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.exit_codes import OK

if TYPE_CHECKING:
    from bench.results.store import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="a results file, a machine's id, or latest (this machine's)"
    )
    parser.add_argument("--markdown", action="store_true", help="as Markdown tables")
    parser.add_argument(
        "--drift", action="store_true", help="how much runs of one machine differ while nothing changed: name several"
    )
    parser.add_argument("--output", metavar="FILE.html", type=Path, help="as a page with charts")


def compare(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from rich.console import Console

    from bench.commands.compare import text as compare_text
    from bench.commands.compare.compare import compare
    from bench.report import output
    from bench.results import store

    runs = store.load_runs(arguments.runs)
    if arguments.drift:
        return _drift(runs, arguments)
    differences, comparisons = compare(runs)
    if arguments.output:
        output.require_page(arguments.output)
        from bench.commands.compare.page import page

        output.write(arguments.output, page(runs, differences, comparisons))
        print(arguments.output)
    elif arguments.markdown:
        print(compare_text.markdown(runs, differences, comparisons), end="")
    else:
        compare_text.summary(Console(highlight=False), runs, differences, comparisons)
    return OK


def _drift(runs: Sequence[Run], arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from bench.commands.compare import drift_text
    from bench.commands.compare.between_runs import repeatability

    if arguments.output:
        raise ValueError("--drift has no page; expected it without --output")
    result = repeatability(runs)
    if arguments.markdown:
        print(drift_text.markdown(result), end="")
    else:
        drift_text.summary(Console(highlight=False), result)
    return OK
