"""Writes docs/graph.md and docs/graph.svg: the computation graph of one example, forward and back.

    python -m docs.graph

The page says what each number is; kernels/gradient/graph.py computes them. Altair and vl-convert draw the figure, as
they do the pages of runs (`pip install -c constraints.txt '.[report]'`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import altair as alt
import vl_convert

from kernels.gradient.graph import Node, Point, largest_differences, nodes

POINT = Point(x=(1.0, 2.0), y=1.0, w=(0.5, -0.25), b=0.3)
LARGEST_DIFFERENCE, LARGEST_BY_JAX = 1e-6, 1e-12
"""How far a derivative may be from its finite difference, which is truncated, and from jax.grad's."""
PAGE, FIGURE = Path(__file__).with_suffix(".md"), Path(__file__).with_suffix(".svg")

TEXT = """# The computation graph of one example

The lecture notes send one example with two features forward through a graph, from the parameters to the loss, and
then the derivatives back, node by node. This page is that graph with numbers. It is written by

    python -m docs.graph

![Values forward above each node, derivatives backward below it](graph.svg)

Forward, in blue: z = w1 x1 + w2 x2 + b, then a = σ(z), then the loss of this example,
L = −[y log a + (1 − y) log(1 − a)]. Backward, in red: how L changes with each node. Each derivative is that of the
node after it, times one local derivative. ∂L/∂z = ∂L/∂a · σ′(z), and σ′(z) = a (1 − a) cancels the denominator, so
that a − y is left. ∂L/∂w_j = ∂L/∂z · x_j.

{table}

Each derivative is confirmed twice: by a finite difference, (L(v + h) − L(v − h)) / 2h, and by JAX's automatic
differentiation. None differs by more than 10⁻⁶ from the one and 10⁻¹² from the other.

From one example to m, J is the mean of the losses, so dw_j and db are the means of these derivatives: the two
accumulators of [neuron.md](neuron.md), which the first kernel, `loops`, adds up in two for-loops.
"""


def page(rows: Sequence[Node]) -> str:
    """The text of docs/graph.md."""
    lines = [
        "| node | value | ∂L/∂node | value of it | by differences | by `jax.grad` |",
        "|---|--:|---|--:|--:|--:|",
        *(
            f"| {row.name} | {row.value:.6g} | {row.rule} | {row.derivative:.9f} | {row.difference:.9f} "
            f"| {row.by_jax:.9f} |"
            for row in rows
        ),
    ]
    return TEXT.format(table="\n".join(lines))


def main() -> None:
    """Write both files. Exits if a derivative is not confirmed."""
    rows = nodes(POINT)
    by_difference, by_jax = largest_differences(rows)
    if by_difference > LARGEST_DIFFERENCE or by_jax > LARGEST_BY_JAX:
        sys.exit(f"a derivative is {by_difference:.1e} from its finite difference, {by_jax:.1e} from jax.grad")
    PAGE.write_text(page(rows))
    FIGURE.write_text(svg(POINT, rows))


_WIDTH, _HEIGHT = 720, 440
_FORWARD, _BACKWARD = "#1a5fb4", "#a51d2d"


def svg(point: Point, rows: Sequence[Node]) -> str:
    """The figure: values forward above each node, derivatives backward below it."""
    places = _places(point)
    by_name = {row.name: row for row in rows}
    nodes = [
        {
            "x": x,
            "y": y,
            "name": name,
            "value": f"{by_name[name].value if name in by_name else _input(point, name):.4g}",
            "derivative": f"∂L/∂{name} = {by_name[name].derivative:.4g}" if name in by_name and name != "L" else "",
        }
        for name, (x, y) in places.items()
    ]
    edges = [
        {"x": places[one][0], "y": places[one][1], "x2": places[other][0], "y2": places[other][1]}
        for one, other in _edges(point)
    ]
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.3, 3.5]))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-0.7, len(point.x) * 2 + 0.6]))
    lines = alt.Chart(alt.InlineData(edges)).mark_rule(color="#999999").encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    base = alt.Chart(alt.InlineData(nodes)).encode(x=x, y=y)
    chart = alt.layer(
        lines,
        base.mark_point(size=900, filled=True, color="#ffffff", stroke="#555555", opacity=1),
        base.mark_text(fontSize=14, fontWeight="bold").encode(text="name:N"),
        base.mark_text(dy=-26, fontSize=13, color=_FORWARD).encode(text="value:N"),
        base.mark_text(dy=28, fontSize=12, color=_BACKWARD).encode(text="derivative:N"),
    ).properties(width=_WIDTH, height=_HEIGHT, background="white")
    text: str = vl_convert.vegalite_to_svg(json.dumps(chart.configure_view(stroke=None).to_dict()))
    return text


def _places(point: Point) -> dict[str, tuple[float, float]]:
    """Where each node is: parameters and inputs at the left, L at the right."""
    count = len(point.x)
    left = {f"w{j}": (0.0, 2.0 * (count - j) + 2) for j in range(1, count + 1)}
    left |= {f"x{j}": (0.0, 2.0 * (count - j) + 1) for j in range(1, count + 1)}
    middle = float(count)
    return left | {"b": (0.0, 0.0), "z": (1.2, middle), "a": (2.2, middle), "y": (2.2, 0.0), "L": (3.2, middle)}


def _edges(point: Point) -> list[tuple[str, str]]:
    count = len(point.x)
    into_z = [(f"{kind}{j}", "z") for j in range(1, count + 1) for kind in "wx"]
    return [*into_z, ("b", "z"), ("z", "a"), ("a", "L"), ("y", "L")]


def _input(point: Point, name: str) -> float:
    return point.y if name == "y" else point.x[int(name[1:]) - 1]


if __name__ == "__main__":
    main()
