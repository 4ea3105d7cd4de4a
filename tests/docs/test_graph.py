"""The computation graph of docs/graph.md: each derivative against a finite difference and jax.grad."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from docs import graph
from kernels.gradient.graph import Point, largest_differences, nodes

numbers = st.floats(-3, 3)


@settings(max_examples=30)
@given(st.tuples(numbers, numbers), st.sampled_from([0.0, 1.0]), st.tuples(numbers, numbers), numbers)
def test_every_derivative_agrees_with_differences_and_with_jax(
    x: tuple[float, float], y: float, w: tuple[float, float], b: float
) -> None:
    rows = nodes(Point(x, y, w, b))
    assert [row.name for row in rows] == ["L", "a", "z", "w1", "w2", "b"]
    by_difference, by_jax = largest_differences(rows)
    assert by_difference <= graph.LARGEST_DIFFERENCE
    assert by_jax <= graph.LARGEST_BY_JAX


def test_a_wrong_derivative_is_noticed() -> None:
    rows = nodes(graph.POINT)
    object.__setattr__(rows[3], "derivative", rows[3].derivative * (1 + 1e-5))
    by_difference, by_jax = largest_differences(rows)
    assert by_difference > graph.LARGEST_DIFFERENCE
    assert by_jax > graph.LARGEST_BY_JAX


@pytest.mark.parametrize(
    ("x", "y", "w", "b", "says"),
    [
        ((1.0, 2.0), 2.0, (1.0, 1.0), 0.0, "^y is 2; expected 0 or 1$"),
        ((1.0, 2.0, 3.0), 1.0, (1.0, 1.0), 0.0, "^x has 3 numbers and w has 2; expected as many$"),
        ((1.0,), 1.0, (float("nan"),), 0.0, "^x, w and b must be finite numbers$"),
        (
            (1.0,),
            1.0,
            (1.0,),
            1e3,
            "^a is 1 to rounding, where ∂L/∂a is not finite; expected a smaller ",
        ),
    ],
)
def test_numbers_that_make_no_graph(
    x: tuple[float, ...], y: float, w: tuple[float, ...], b: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Point(x, y, w, b)


def test_the_page_and_the_figure_are_what_the_script_writes() -> None:
    rows = nodes(graph.POINT)
    assert graph.PAGE.read_text() == graph.page(rows)
    assert graph.FIGURE.read_text() == graph.svg(graph.POINT, rows)
