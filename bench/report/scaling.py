"""A fit of each kernel for a terminal: how far its predictions were off, and what the time is made of."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis.scaling import Fit
from bench.report.formatting import duration


def summary(console: Console, fits: Sequence[Fit], machine: str) -> None:
    """Print a row for each fit, and then what each says."""
    console.print(Text(f"time of a call by m, n and where X lies, on {machine}", style="bold"))
    console.print(Text("held out: cells that a fit has not seen; off: |predicted / measured - 1| on them"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("kernel", no_wrap=True, max_width=20)
    for heading in ("X", "threads", "form", "cells", "held out", "median off", "largest off"):
        table.add_column(heading, justify="left" if heading in ("X", "form") else "right", no_wrap=True)
    for fit in fits:
        numbers = (str(fit.cells), str(len(fit.relative_errors)), f"{fit.median:.0%}", f"{fit.largest:.0%}")
        words = (fit.kernel, f"{fit.dtype[0]}{fit.dtype[-2:]} {fit.order}", str(fit.threads), fit.model.form)
        table.add_row(*map(Text, (*words, *numbers)))
    console.print(table)
    console.print()
    for fit in fits:
        console.print(Text(f"{fit.kernel} {fit.dtype} {fit.order}, threads: {fit.threads}: {in_words(fit)}"))


def in_words(fit: Fit) -> str:
    """`3.00 ns an example, 0.0200 ns an element in L1, ...`; terms that come to nothing are left out."""
    if fit.model.form == "powers":
        return "powers of m and n"
    return ", ".join(f"{duration(each)} {term}" for term, each in fit.model.coefficients.items() if each > 0)
