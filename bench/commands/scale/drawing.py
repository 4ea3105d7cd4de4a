"""The study's figure: held-out log-loss against examples, and against the seconds that a fit took."""

from __future__ import annotations

from typing import Any

from bench.commands.scale.cells import cells
from bench.commands.scale.plan import Plan
from bench.commands.study_file import Study
from bench.report.page.palette import CONFIG

_COLOURS = ("var(--python)", "var(--numpy)", "var(--jax)", "var(--numba)", "var(--own)", "var(--peer)")


def drawing(study: Study) -> dict[str, Any]:
    """Two panels with a line for each number of units; in Vega-Lite."""
    plan = Plan.of(study["plan"])
    names = {units: f"{plan.layers} × {units} units" if units else "logistic regression" for units in plan.units}
    rows = [one._asdict() | {"kind": names[one.units]} for one in cells(plan, study["rows"])]
    scale = {"domain": list(names.values()), "range": list(_COLOURS[: len(names)])}
    colour = {"field": "kind", "type": "nominal", "title": None, "legend": {"orient": "top"}, "scale": scale}

    def panel(field: str, title: str) -> dict[str, Any]:
        x = {"field": field, "type": "quantitative", "scale": {"type": "log"}, "title": title}
        y = {"type": "quantitative", "scale": {"zero": False}, "title": "held-out log-loss"}
        line = {"mark": {"type": "line", "point": True}, "encoding": {"x": x, "y": y | {"field": "held_out"}}}
        span = {"mark": "rule", "encoding": {"x": x, "y": y | {"field": "least"}, "y2": {"field": "most"}}}
        for layer in (line, span):
            layer["encoding"] |= {"color": colour, "order": {"field": "examples"}}  # type: ignore[operator]
        return {"width": 300, "height": 260, "layer": [line, span]}

    panels = [panel("examples", "examples that are fitted"), panel("seconds", "seconds of the fit")]
    config = CONFIG | {"axis": CONFIG["axis"] | {"grid": True}}
    return {"data": {"values": rows}, "hconcat": panels, "config": config}
