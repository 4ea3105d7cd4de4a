"""The study's figure: the norm of each layer's derivatives over that of the output's, at the start and at the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.commands.activation import analysis
from bench.commands.activation.plan import LIBRARY, UNITS, Arm, Plan
from bench.commands.study_file import Study
from bench.report.formatting import counted
from bench.report.page.palette import CONFIG

_COLOURS = {
    "ReLU, start he": "var(--numba)",
    "ReLU, start glorot": "var(--own)",
    "sigmoid, start glorot": "var(--numpy)",
    "0.25 to the layers between": "var(--shade)",
}
_WHEN = ("at the start", "at the end")


def drawing(study: Study) -> dict[str, Any]:
    """A panel for each number of layers, at the start and at the end; in Vega-Lite."""
    plan = Plan.of(study["plan"])
    rows = [point for arm in plan.arms if arm.start != LIBRARY for point in _points(study, arm)]
    for layers in plan.layers:
        for when in _WHEN:
            rows += [
                _point(layers, when, "0.25 to the layers between", back, 0.25**back) for back in range(layers + 1)
            ]
    legend = {"orient": "top", "labelLimit": 300, "columnPadding": 24}
    colour = {"field": "kind", "type": "nominal", "title": None, "legend": legend}
    x = {"field": "back", "type": "ordinal", "title": "layers before the output"}
    panel = {
        "width": 190,
        "height": 170,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": x | {"sort": "descending", "axis": {"labelAngle": 0}},
            "y": {"field": "share", "type": "quantitative", "scale": {"type": "log"}, "title": "norm / the output's"},
            "color": colour | {"scale": {"domain": list(_COLOURS), "range": list(_COLOURS.values())}},
        },
    }
    facet = {
        "column": {"field": "layers", "type": "ordinal", "title": None, "sort": [_words(n) for n in plan.layers]},
        "row": {"field": "when", "type": "ordinal", "title": None, "sort": list(_WHEN)},
    }
    axes = {"axis": CONFIG["axis"] | {"grid": True}}
    each = {"scale": {"x": "independent"}}
    return {"data": {"values": rows}, "facet": facet, "spec": panel, "resolve": each, "config": CONFIG | axes}


def _points(study: Study, arm: Arm) -> list[dict[str, Any]]:
    counting = analysis.of_arm(study["rows"], arm, counts=True)
    points = []
    for number, when in enumerate(_WHEN):
        norms = np.array([row["norms"][number] for row in counting if row["norms"][number][-1]])
        if len(norms):
            with np.errstate(over="ignore"):
                shares = np.median(norms / norms[:, -1:], axis=0)[::-1]
            kind = f"{UNITS[arm.unit]}, start {arm.start}"
            points += [
                _point(arm.layers, when, kind, back, float(share))
                for back, share in enumerate(shares)
                if 0 < share < np.inf
            ]
    return points


def _point(layers: int, when: str, kind: str, back: int, share: float) -> dict[str, Any]:
    return {"layers": _words(layers), "when": when, "kind": kind, "back": back, "share": share}


def _words(layers: int) -> str:
    return counted(layers, "layer")
