"""The terminal's summary of results as text."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from bench.report import terminal
from bench.results.record import Results


def shown(results: Results, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    terminal.summary(console, results)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text
