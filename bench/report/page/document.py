"""A page that works by itself: sections of text, a chart, and the table behind it, in one file.

It knows nothing of kernels, so that whatever has sections can make a page. The chart draws the table's rows
(its dataset `rows`): what is seen, read out and downloaded are the same numbers. Nothing is fetched: the policy in
the page forbids it, and lets no script run but the two whose digests it names. (Vega compiles expressions, which
needs unsafe-eval; they are the charts' own, never a name's or a reason's.)
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from bench.host.sanitize import printable

_HERE = Path(__file__).parent
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A field of the rows as the table shows it; the CSV has it as it is."""

    field: str
    heading: str
    show: Callable[[Any], str] = str
    number: bool = False


@dataclass(frozen=True)
class Selector:
    """A field of the rows of which the reader looks at one value at a time; the sections share what is chosen."""

    field: str
    label: str
    first: str


@dataclass(frozen=True)
class Series:
    """A name that can be hidden, with its colour (a CSS variable) and the shape of its points."""

    name: str
    colour: str
    shape: str


@dataclass(frozen=True)
class Section:
    """One idea of a page: what it says, the chart that shows it, the numbers behind it.

    chart: Vega-Lite, with the dataset `rows` left out: these rows are put there
    alt: what the chart shows, for those who do not see it
    remarks: text that belongs to a value of the choices: rows with a `text`
    series: the names that can be hidden; rows with one of them in a field of `hide` are left out
    scale: a channel, x or y, whose logarithmic scale can be made linear
    list_field: a field whose values are lists; the CSV has a line for each of their items
    level: of the heading, 2 or 3;  fold: behind `more`
    """

    name: str
    heading: str
    text: tuple[str, ...] = ()
    chart: Mapping[str, Any] | None = None
    alt: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    choices: tuple[Selector, ...] = ()
    remarks: tuple[Row, ...] = ()
    series: tuple[Series, ...] = ()
    hide: tuple[str, ...] = ("kernel",)
    scale: str = ""
    list_field: str = ""
    level: int = 2
    fold: bool = False

    def first(self, choice: Selector) -> str:
        """What is looked at before the reader chooses: of its rows, if any, where the choice's own first has none."""
        values = [str(row[choice.field]) for row in self.rows]
        return choice.first if choice.first in values or not values else values[0]


@dataclass(frozen=True)
class PageHeader:
    """What stands at the top: a few figures with what they are, sentences, and what to know before believing them."""

    where: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def page(title: str, sections: Sequence[Section], lead: PageHeader | None = None, style: str = "") -> str:
    """The whole file. style: more CSS, such as the colours of the series. Raises ImportError without vl-convert."""
    open_, folded = ([s for s in sections if s.fold is fold] for fold in (False, True))
    body = [_lead(title, lead or PageHeader()), *map(_section, open_)]
    if folded:
        body.append(f'<details id="more"><summary>More</summary>{"".join(map(_section, folded))}</details>')
    scripts = [_libraries(), (_HERE / "page.js").read_text(encoding="utf-8")]
    allowed = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
        "form-action 'none'; base-uri 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{_text(title)}</title>\n'
        '<link rel="icon" href="data:,">\n'
        f"<style>{(_HERE / 'page.css').read_text(encoding='utf-8')}{style}</style>\n</head>\n<body>\n"
        f"{''.join(body)}\n"
        f'<script type="application/json" id="data">{in_script(_data(sections))}</script>\n'
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )


@cache
def _libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed in one module, as vl-convert carries them."""
    import vl_convert

    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f"(()=>{{{script}}})();" if "</script" not in script else script.replace("</script", "<\\/script")


def in_script(value: Any) -> str:
    """JSON that ends no script, opens no comment and breaks no line, whatever its texts say."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029\u007f-\u009f\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _data(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """What the script needs of each section; rows as lists, which takes a third of the room."""
    found = []
    for section in sections:
        fields = list(dict.fromkeys(field for row in section.rows for field in row))
        found.append(
            {
                "name": section.name,
                "chart": section.chart,
                "alt": section.alt,
                "fields": fields,
                "rows": [[row.get(field) for field in fields] for row in section.rows],
                "columns": [column.field for column in section.columns],
                "choices": {choice.field: section.first(choice) for choice in section.choices},
                "hide": section.hide if section.series else (),
                "scale": section.scale,
                "listField": section.list_field,
                "remarks": section.remarks,
            }
        )
    return found


def _lead(title: str, lead: PageHeader) -> str:
    figures = "".join(f"<div><dt>{_text(label)}</dt><dd>{_text(value)}</dd></div>" for value, label in lead.figures)
    return (
        '<header><button type="button" id="theme" aria-pressed="false">dark</button>'
        f"<h1>{_text(title)}</h1>{f'<p class=where>{_text(lead.where)}</p>' if lead.where else ''}"
        f"{f'<dl class=figures>{figures}</dl>' if figures else ''}{_paragraphs(lead.sentences, 'say')}"
        f"{_list(lead.trust, 'trust')}{_list(lead.warnings, 'warnings')}</header>"
        "<noscript><p>The charts need JavaScript; the tables below hold the same numbers.</p></noscript>"
    )


_FIGURE = "<figure><div class=chart></div><figcaption aria-live=polite></figcaption></figure>"


def _section(section: Section) -> str:
    heading = f"h{section.level}"
    return (
        f'<section id="{_text(section.name)}" aria-labelledby="{_text(section.name)}-h">'
        f'<{heading} id="{_text(section.name)}-h">{_text(section.heading)}</{heading}>'
        f"{_paragraphs(section.text)}{_controls(section)}"
        f"{_FIGURE if section.chart else ''}"
        f"{_remarks(section)}{_table(section)}</section>"
    )


def _controls(section: Section) -> str:
    parts = []
    for choice in section.choices:
        values = list(dict.fromkeys(row[choice.field] for row in section.rows))
        first = section.first(choice)
        options = "".join(
            f"<option{' selected' if value == first else ''}>{_text(value)}</option>" for value in values
        )
        if len(values) > 1:
            chosen = f'data-choice="{_text(choice.field)}"'
            parts.append(f"<label>{_text(choice.label)} <select {chosen}>{options}</select></label>")
    if section.scale:
        options = '<option value="log">logarithmic</option><option value="linear">linear</option>'
        parts.append(f"<label>scale <select data-scale>{options}</select></label>")
    if section.series:
        parts.append(
            f'<div class=series role=group aria-label="what is shown">{"".join(map(_checkbox, section.series))}</div>'
        )
    return f'<div class="controls">{"".join(parts)}</div>' if parts else ""


def _checkbox(series: Series) -> str:
    symbol = f'<svg viewBox="-6 -6 12 12" aria-hidden="true"><path d="{series.shape}" fill="{series.colour}"/></svg>'
    return f'<label><input type="checkbox" checked value="{_text(series.name)}">{symbol}{_text(series.name)}</label>'


def _remarks(section: Section) -> str:
    lines = (f"<li data-remark={place}>{_text(row['text'])}</li>" for place, row in enumerate(section.remarks))
    return f'<ul class="remarks">{"".join(lines)}</ul>' if section.remarks else ""


def _table(section: Section) -> str:
    if not section.columns:
        return ""
    kinds = [" class=number" if column.number else "" for column in section.columns]
    head = "".join(
        f"<th scope=col{kind}>{_text(column.heading)}</th>"
        for kind, column in zip(kinds, section.columns, strict=True)
    )
    body = []
    for place, row in enumerate(section.rows):
        cells = (
            f"<td{kind}>{_text('' if row.get(column.field) is None else column.show(row[column.field]))}</td>"
            for kind, column in zip(kinds, section.columns, strict=True)
        )
        body.append(f"<tr data-row={place}>{''.join(cells)}</tr>")
    table = (
        f'<div class=scroll tabindex=0 role=region aria-label="{_text(section.heading)}">'
        f"<table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
    name = f"download CSV: {_text(section.heading)}"
    save = f'<button type="button" class="csv" aria-label="{name}">download CSV</button>'
    if section.chart is None:
        return f"{table}<p>{save}</p>"
    return f"<div class=under><details class=numbers><summary>the numbers</summary>{table}</details>{save}</div>"


def _paragraphs(lines: Sequence[str], kind: str = "") -> str:
    return "".join(f"<p{f' class={kind}' if kind else ''}>{_text(line)}</p>" for line in lines)


def _list(lines: Sequence[str], kind: str) -> str:
    return f"<ul class={kind}>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>" if lines else ""


def _text(value: object) -> str:
    return escape(printable(str(value)))
