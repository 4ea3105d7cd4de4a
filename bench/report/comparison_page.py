"""Runs side by side as one HTML page: tables and charts, with nothing to load and no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import vl_convert

from bench.comparable import Run
from bench.compare import Comparison
from bench.differences import Difference
from bench.report import comparison as text
from bench.report.comparison_charts import dumbbells, forest

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{padding:.15em .7em;text-align:right}"
    "th{border-bottom:1px solid #888}td:first-child,th:first-child,td.words,th.words{text-align:left}"
    ".shaky{color:#a04000}.called{font-weight:bold}svg{max-width:100%;height:auto}"
)


def page(runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]) -> str:
    """The whole page."""
    body = "\n".join(_body(runs, differing, found))
    head = f'<meta charset="utf-8"><title>Runs compared</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _body(runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]) -> Iterator[str]:
    yield "<h1>Runs compared</h1>"
    yield _list(text.legend(runs))
    if differing:
        yield "<h2>What differs</h2>"
        yield _table(("", *text.letters(runs)), text.difference_rows(differing), words=len(runs))
    yield "<h2>Times</h2>"
    yield _svg(dumbbells(runs, found).to_json())
    for chart, heading in (
        (forest(runs, found), "Ratios of times, with their 95% intervals"),
        (forest(runs, found, normalised=True), "Ratios of shares of each machine's own limit"),
    ):
        if chart is not None:
            yield f"<h2>{heading}</h2>"
            yield _svg(chart.to_json())
    for comparison in found:
        other = text.letters(runs)[[id(run) for run in runs].index(id(comparison.other))]
        yield f"<h2>{escape(text.heading(comparison, other))}</h2>"
        yield _list(text.shaky(comparison), "shaky")
        for pair in comparison.pairs:
            yield f"<h3>{escape(text.title(pair, comparison.one_machine))}</h3>"
            yield _table(("kernel", "A", other, f"{other} over A", "verdict"), text.time_rows(pair))
            if rows := text.share_rows(pair):
                yield _table(("of the limit", "A", other, f"{other} over A", "verdict"), rows)
        yield _list(text.closing(comparison, other))


def _list(lines: Sequence[str], kind: str = "") -> str:
    return f'<ul class="{kind}">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>' if lines else ""


def _table(headings: text.Row, rows: Sequence[text.Row], words: int = 0) -> str:
    """The last column is of words; or so many of the last."""
    first = len(headings) - max(1, words)

    def row(cells: text.Row, tag: str) -> str:
        called = ' class="called"' if cells[-1] in ("faster", "slower") else ""
        kinds = (' class="words"' if place >= first else "" for place in range(len(cells)))
        inner = (f"<{tag}{kind}>{escape(cell.strip())}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
        return f"<tr{called}>{''.join(inner)}</tr>"

    return f"<table>{row(headings, 'th')}{''.join(row(cells, 'td') for cells in rows)}</table>"


def _svg(chart: str) -> str:
    svg: str = vl_convert.vegalite_to_svg(chart)
    return svg
