"""A colour for each technique, on white and on black, and a shape for each kernel of one technique.

People with any colour vision can tell neighbouring colours apart (after Okabe and Ito, darkened or lightened until
each has a contrast of 3 to 1 with its background). A chart names its colours as CSS variables, so it changes with
its page. In a picture outside a page, `with_light_colours` replaces the variables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bench.report.page.section import Series
from bench.results.record import Record
from kernels.registry import TECHNIQUES, all_names

COLOURS = {
    "python": ("#75736c", "#a5a39b"),
    "numpy": ("#0072b2", "#5cb8ee"),
    "numba": ("#c8500a", "#ff8f4d"),
    "jax": ("#008563", "#2fc79a"),
    "peer": ("#8a6d00", "#e0c040"),
    "own": ("#a8457f", "#e68fc4"),
}
"""Technique → its colour on white, and on black. `own`: a user's own kernel."""
_PAGE_COLOURS = {
    "paper": ("#ffffff", "#161615"),
    "ink": ("#1c1c1a", "#ecebe6"),
    "soft": ("#5f5e5a", "#a9a79f"),
    "line": ("#dcdad4", "#3a3936"),
    "shade": ("#8a8880", "#8a8880"),
    "accent": ("#b3400f", "#ff9a62"),
}
"""As in page.css."""
_SHAPES = {
    "circle": "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0",
    "square": "M-4,-4h8v8h-8z",
    "triangle-up": "M0,-5L5,4H-5z",
    "diamond": "M0,-5.5L5.5,0L0,5.5L-5.5,0z",
    "cross": "M-1.7,-5h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3v-3.4h3.3z",
}
"""Vega's name of a shape → the same shape as an SVG path, beside the kernel's check box."""
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])


def kernel_styles(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Kernel → `technique` and `shape`, the same in every chart. In the registry's order, users' own last."""
    present = {record.kernel for record in records}
    registered = all_names()
    ordered = [name for name in registered if name in present] + sorted(present - set(registered))
    counts: dict[str, int] = {}
    styles = {}
    for name in ordered:
        technique = TECHNIQUES.get(name, "own")
        index = counts[technique] = counts.get(technique, -1) + 1
        styles[name] = {"technique": technique, "shape": list(_SHAPES)[index % len(_SHAPES)]}
    return styles


def series(styles: dict[str, dict[str, Any]], kernels: Iterable[str]) -> tuple[Series, ...]:
    """The kernels that a reader can hide, in the order of the styles."""
    shown = set(kernels)
    return tuple(
        Series(name, f"var(--{style['technique']})", _SHAPES[style["shape"]])
        for name, style in styles.items()
        if name in shown
    )


def colour_scale() -> dict[str, Any]:
    """The scale of a chart's colour channel."""
    return {"domain": list(COLOURS), "range": [f"var(--{name})" for name in COLOURS]}


def shape_scale() -> dict[str, Any]:
    """The scale of a chart's shape channel."""
    return {"domain": list(_SHAPES), "range": list(_SHAPES)}


def dash_scale() -> dict[str, Any]:
    """The scale of a chart's strokeDash channel: a dash for each shape."""
    return {"domain": list(_SHAPES), "range": list(map(list, _DASHES))}


def css() -> str:
    """The techniques' colours as variables: light or dark by the system or by the button, light on paper."""
    light, dark = ("".join(f"--{name}:{pair[side]};" for name, pair in COLOURS.items()) for side in (0, 1))
    return (
        f":root{{{light}}}@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{{dark}}}@media "
        f"print{{:root,:root[data-theme],:root:not([data-theme=light]){{{light}}}}}"
    )


def with_light_colours(chart: dict[str, Any]) -> dict[str, Any]:
    """The chart on white, with the light colours in place of the variables."""
    text = json.dumps(chart)
    for name, (light, _dark) in (COLOURS | _PAGE_COLOURS).items():
        text = text.replace(f"var(--{name})", light)
    coloured: dict[str, Any] = json.loads(text)
    coloured["background"] = "white"
    return coloured


CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "system-ui, Liberation Sans, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domain": False, "ticks": False, "grid": False, "labelColor": "var(--soft)", "titleColor": "var(--soft)",
        "gridColor": "var(--line)", "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "labelPadding": 6, "titlePadding": 8, "labelOverlap": "greedy", "labelSeparation": 6,
    },
    "axisY": {"labelLimit": 150},
    "text": {"fill": "var(--ink)", "fontSize": 12},
    "rule": {"stroke": "var(--soft)"},
    "point": {"filled": True, "opacity": 1, "size": 70},
}  # fmt: skip
"""The style of every chart: no frame, no ticks, grid lines only where a chart asks for them."""
