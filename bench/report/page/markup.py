"""The HTML of a page's parts. Every text from outside passes through `_text`, so none becomes markup."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.host.sanitize import printable
from bench.report.page.section import (
    PageHeader,
    Section,
    Selector,
    Series,
    first_value,
    shared_selectors,
    values_of,
)

_FIGURE = "<figure><div class=chart></div><figcaption></figcaption></figure>"


def title_text(title: str) -> str:
    """The title as the text of an element."""
    return _text(title)


def header_html(title: str, header: PageHeader) -> str:
    """The top of the page, with the button for light and dark, and the line that tells a screen reader of changes."""
    figures = "".join(f"<div><dt>{_text(label)}</dt><dd>{_text(value)}</dd></div>" for value, label in header.figures)
    return (
        '<header><button type="button" id="theme" aria-pressed="false">dark</button>'
        f"<h1>{_text(title)}</h1>{f'<p class=subtitle>{_text(header.subtitle)}</p>' if header.subtitle else ''}"
        f"{f'<dl class=figures>{figures}</dl>' if figures else ''}{_paragraphs(header.sentences, 'sentences')}"
        f"{_list(header.trust, 'trust')}{_list(header.warnings, 'warnings')}</header>"
        "<noscript><p>The charts need JavaScript; the tables below hold the same numbers.</p></noscript>"
        '<p id="status" class="for-screen-readers" role="status" aria-live="polite"></p>'
    )


def bar_html(sections: Sequence[Section], series: Sequence[Series]) -> str:
    """The choices that hold for the whole page. Hidden until the script that serves them runs."""
    parts = [_select(selector, sections) for selector in shared_selectors(sections)]
    if series:
        boxes = "".join(map(_checkbox, series))
        parts.append(
            f"<details id=kernels><summary>kernels: <span id=count>{len(series)} of {len(series)}</span></summary>"
            f'<div class=series role=group aria-label="kernels shown">{boxes}</div></details>'
        )
    inner = "".join(parts)
    return f'<div id="bar" role=region aria-label="choices for the whole page" hidden>{inner}</div>' if inner else ""


def section_html(section: Section) -> str:
    """Heading, text, the section's own choices, chart, remarks and table."""
    heading = f"h{section.level}"
    return (
        f'<section id="{_text(section.name)}" aria-labelledby="{_text(section.name)}-h">'
        f'<{heading} id="{_text(section.name)}-h">{_text(section.heading)}</{heading}>'
        f"{_paragraphs(section.text)}{_controls(section)}"
        f"{_FIGURE if section.chart else ''}"
        f"{_remarks(section)}{_table(section)}</section>"
    )


def _controls(section: Section) -> str:
    parts = [_select(selector, [section]) for selector in section.selectors if not selector.shared]
    if section.scale:
        options = '<option value="log">logarithmic</option><option value="linear">linear</option>'
        parts.append(f"<label>scale <select data-scale>{options}</select></label>")
    inner = "".join(parts)
    return f'<div class="controls">{inner}</div>' if inner else ""


def _select(selector: Selector, sections: Sequence[Section]) -> str:
    """Nothing where there is only one value."""
    values = values_of(selector, sections)
    first = first_value(selector, sections)
    options = "".join(f"<option{' selected' if value == first else ''}>{_text(value)}</option>" for value in values)
    if len(values) < 2:
        return ""
    field = f'data-choice="{_text(selector.field)}"'
    return f"<label><span>{_text(selector.label)}</span> <select {field}>{options}</select></label>"


def _checkbox(series: Series) -> str:
    symbol = f'<svg viewBox="-6 -6 12 12" aria-hidden="true"><path d="{series.shape}" fill="{series.colour}"/></svg>'
    return f'<label><input type="checkbox" checked value="{_text(series.name)}">{symbol}{_text(series.name)}</label>'


def _remarks(section: Section) -> str:
    lines = (f"<li data-remark={index}>{_text(row['text'])}</li>" for index, row in enumerate(section.remarks))
    return f'<ul class="remarks">{"".join(lines)}</ul>' if section.remarks else ""


def _table(section: Section) -> str:
    if not section.columns:
        return ""
    classes = [" class=number" if column.number else "" for column in section.columns]
    head = "".join(
        f"<th scope=col{class_}>{_text(column.heading)}</th>"
        for class_, column in zip(classes, section.columns, strict=True)
    )
    body = []
    for index, row in enumerate(section.rows):
        cells = (
            f"<td{class_}>{_text('' if row.get(column.field) is None else column.format(row[column.field]))}</td>"
            for class_, column in zip(classes, section.columns, strict=True)
        )
        body.append(f"<tr data-row={index}>{''.join(cells)}</tr>")
    table = (
        f'<div class=scroll tabindex=0 role=region aria-label="{_text(section.heading)}">'
        f"<table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
    label = f"download CSV: {_text(section.heading)}"
    button = f'<button type="button" class="csv" aria-label="{label}">download CSV</button>'
    if section.chart is None:
        return f"{table}<p>{button}</p>"
    return f"<div class=under><details class=numbers><summary>the numbers</summary>{table}</details>{button}</div>"


def _paragraphs(lines: Sequence[str], class_: str = "") -> str:
    return "".join(f"<p{f' class={class_}' if class_ else ''}>{_text(line)}</p>" for line in lines)


def _list(lines: Sequence[str], class_: str) -> str:
    return f"<ul class={class_}>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>" if lines else ""


def _text(value: object) -> str:
    return escape(printable(str(value)))
