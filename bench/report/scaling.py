"""A fit of each kernel for a terminal: how far its predictions were off, and which terms its time has."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from bench.analysis.scaling import Fit
from bench.report.formatting import duration
from bench.report.table import Column, Table, kernel_column, number_columns, print_table


def summary(console: Console, fits: Sequence[Fit], machine: str) -> None:
    """Print a row for each fit, and then its terms."""
    several = len({fit.operation for fit in fits}) > 1
    rows = [
        (
            *([fit.operation] if several else []),
            fit.kernel,
            f"{fit.dtype[0]}{fit.dtype[-2:]} {fit.order}",
            fit.model.form,
            str(fit.threads),
            str(fit.cells),
            str(len(fit.relative_errors)),
            f"{fit.median:.0%}",
            f"{fit.largest:.0%}",
        )
        for fit in fits
    ]
    numbers = number_columns("threads", "cells", "held out", "median error", "max error")
    terms = (
        f"{f'{fit.operation}, ' if several else ''}{fit.kernel} {fit.dtype} {fit.order}, threads: {fit.threads}: "
        f"{in_words(fit)}"
        for fit in fits
    )
    table = Table(
        title=f"time of a call by m, n and where X lies, on {machine}",
        columns=(*([Column("operation")] if several else []), kernel_column(), Column("X"), Column("form"), *numbers),
        rows=rows,
        notes=("held out: cells that the fit has not seen; error: |predicted / measured - 1| on them", *terms),
    )
    print_table(console, table)


def in_words(fit: Fit) -> str:
    """`3.00 ns an example, 0.0200 ns an element in L1, ...`, without the terms that are zero."""
    if fit.model.form == "powers":
        return "powers of m and n"
    return ", ".join(f"{duration(each)} {term}" for term, each in fit.model.coefficients.items() if each > 0)
