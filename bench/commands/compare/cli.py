"""`python -m bench compare`: in the terminal, as Markdown or as a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands.exit_codes import OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command."""
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="a results file, a machine's id, or latest (this machine's)"
    )
    parser.add_argument("--markdown", action="store_true", help="as Markdown tables")
    parser.add_argument("--output", metavar="FILE.html", type=Path, help="as a page with charts")


def compare(chosen: argparse.Namespace) -> int:
    """Runs side by side."""
    from rich.console import Console

    from bench.commands.compare import text as compare_text
    from bench.commands.compare.compare import compare
    from bench.report import output
    from bench.results import store

    runs = store.load_runs(chosen.runs)
    differing, found = compare(runs)
    if chosen.output:
        output.require_page(chosen.output)
        from bench.commands.compare.page import page

        output.write(chosen.output, page(runs, differing, found))
        print(chosen.output)
    elif chosen.markdown:
        print(compare_text.markdown(runs, differing, found), end="")
    else:
        compare_text.summary(Console(highlight=False), runs, differing, found)
    return OK
