"""A page in one file that works offline: its HTML, its data, its style and its scripts.

The chart draws the table's rows (its dataset `rows`): chart, table and CSV have the same numbers. Nothing is
loaded: the page's Content Security Policy forbids it, and allows no script but the two whose digests it names.
(Vega compiles expressions, which needs unsafe-eval. The expressions are the charts' own, never a name or a reason.)
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.report.page.markup import bar_html, header_html, section_html, title_text
from bench.report.page.section import PageHeader, Section, Series, first_value, shared_selectors

_FOLDER = Path(__file__).parent


def page(
    title: str,
    sections: Sequence[Section],
    header: PageHeader | None = None,
    style: str = "",
    series: Sequence[Series] = (),
) -> str:
    """The whole file. Raises ImportError without vl-convert.

    style: more CSS, such as the colours of the series
    series: the kernels that the reader can hide, in every section at once
    """
    unfolded, folded = ([s for s in sections if s.fold is fold] for fold in (False, True))
    body = [header_html(title, header or PageHeader()), bar_html(sections, series), *map(section_html, unfolded)]
    if folded:
        body.append(f'<details id="more"><summary>More</summary>{"".join(map(section_html, folded))}</details>')
    scripts = [_libraries(), (_FOLDER / "page.js").read_text(encoding="utf-8")]
    allowed = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
        "form-action 'none'; base-uri 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{title_text(title)}</title>\n'
        '<link rel="icon" href="data:,">\n'
        f"<style>{(_FOLDER / 'page.css').read_text(encoding='utf-8')}{style}</style>\n</head>\n<body>\n"
        f"{''.join(body)}\n"
        f'<script type="application/json" id="data">{json_for_script(_data(sections))}</script>\n'
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )


@cache
def _libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script, from vl-convert."""
    import vl_convert

    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f"(()=>{{{script}}})();" if "</script" not in script else script.replace("</script", "<\\/script")


def json_for_script(value: Any) -> str:
    """JSON whose texts cannot end a script element, open a comment or break a line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029\u007f-\u009f\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _data(sections: Sequence[Section]) -> dict[str, Any]:
    """What page.js needs: the first choices, and of each section its chart, its rows and how to choose among them."""
    return {
        "choices": {selector.field: first_value(selector, sections) for selector in shared_selectors(sections)},
        "sections": list(map(_section_data, sections)),
    }


def _section_data(section: Section) -> dict[str, Any]:
    """Rows are lists of values, which is a third of the size of objects."""
    fields = list(dict.fromkeys(field for row in section.rows for field in row))
    return {
        "name": section.name,
        "heading": section.heading,
        "chart": section.chart,
        "chartBy": section.chart_by,
        "alt": section.alt,
        "fields": fields,
        "rows": [[row.get(field) for field in fields] for row in section.rows],
        "columns": [column.field for column in section.columns],
        "shared": [selector.field for selector in section.selectors if selector.shared],
        "choices": {
            selector.field: section.first_value(selector) for selector in section.selectors if not selector.shared
        },
        "hide": section.hide,
        "scale": section.scale,
        "listFields": section.list_fields,
        "remarks": section.remarks,
    }
