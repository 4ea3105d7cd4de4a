"""One example through z → a → L and back: each value and each derivative, beside a finite difference and jax.grad.

z = w · x + b,   a = σ(z),   L = −[y log a + (1 − y) log(1 − a)]
∂L/∂a = (a − y) / (a (1 − a)),   ∂L/∂z = a − y,   ∂L/∂w_j = (a − y) x_j,   ∂L/∂b = a − y
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Any

from kernels.gradient.reference import example

_STEP = 2.0**-17
"""Relative to a number of order 1. The truncation is of order step², 6e-11, and the rounding 2⁻⁵³ / step, 1e-11."""


@dataclass(frozen=True)
class Point:
    """One example, and the parameters."""

    x: tuple[float, ...]
    y: float
    w: tuple[float, ...]
    b: float

    def __post_init__(self) -> None:
        """Raises ValueError, in one line, for numbers of which the graph has no finite derivatives."""
        if len(self.x) != len(self.w):
            raise ValueError(f"x has {len(self.x)} numbers and w has {len(self.w)}; expected as many")
        if self.y not in (0, 1):
            raise ValueError(f"y is {self.y:g}; expected 0 or 1")
        if not all(map(isfinite, (*self.x, *self.w, self.b))):
            raise ValueError("x, w and b must be finite numbers")
        a = example(list(self.x), self.y, list(self.w), self.b).a
        if not 0 < a < 1:
            raise ValueError(f"a is {a:g} to rounding, where ∂L/∂a is not finite; expected a smaller |w · x + b|")


@dataclass(frozen=True)
class Node:
    """A node of the graph, and the derivative of L with respect to it."""

    name: str
    formula: str
    value: float
    rule: str
    """The derivative as a formula."""
    derivative: float
    difference: float
    """(L(v + h) − L(v − h)) / 2h"""
    by_jax: float


def nodes(point: Point) -> list[Node]:
    """The nodes from L back to w and b. Needs JAX."""
    x, y, w, b = list(point.x), point.y, list(point.w), point.b
    step = example(x, y, w, b)
    grads = _by_jax(point)

    def loss_of_w(j: int) -> Callable[[float], float]:
        return lambda value: example(x, y, [*w[:j], value, *w[j + 1 :]], b).L

    rows = [
        Node("L", "−[y log a + (1 − y) log(1 − a)]", step.L, "1", 1.0, 1.0, 1.0),
        Node(
            "a", "σ(z)", step.a, "(a − y) / (a (1 − a))", step.dz / (step.a * (1 - step.a)),
            _difference(lambda a: _loss(a, y), step.a, min(step.a, 1 - step.a)), grads["a"],
        ),
        Node(
            "z", f"{' + '.join(f'w{j} x{j}' for j in range(1, len(w) + 1))} + b", step.z, "a − y", step.dz,
            _difference(lambda z: example([1.0], y, [z], 0.0).L, step.z), grads["z"],
        ),
    ]  # fmt: skip
    for j, value in enumerate(w):
        difference = _difference(loss_of_w(j), value)
        rows.append(Node(f"w{j + 1}", "", value, f"(a − y) x{j + 1}", step.dw[j], difference, grads["w"][j]))
    difference = _difference(lambda value: example(x, y, w, value).L, b)
    return [*rows, Node("b", "", b, "a − y", step.db, difference, grads["b"])]


def _loss(a: float, y: float) -> float:
    return -(y * log(a) + (1 - y) * log(1 - a))


def _difference(function: Callable[[float], float], value: float, scale: float = 1.0) -> float:
    """The central difference. scale: over which the function changes by a factor"""
    step = _STEP * max(abs(value), 1.0) if scale == 1.0 else _STEP * scale
    above, below = value + step, value - step
    return (function(above) - function(below)) / (above - below)


def _by_jax(point: Point) -> dict[str, Any]:
    """∂L by automatic differentiation, in float64."""
    import jax
    import jax.numpy as jnp

    from kernels import backends

    backends.jax("cpu")  # in 64-bit mode
    x, y, w, b = jnp.array(point.x), point.y, jnp.array(point.w), jnp.array(point.b)

    def loss_of_a(a: Any) -> Any:
        return -(y * jnp.log(a) + (1 - y) * jnp.log(1 - a))

    def loss_of_z(z: Any) -> Any:
        return jax.nn.softplus((1 - 2 * y) * z)

    def loss(w: Any, b: Any) -> Any:
        return loss_of_z(jnp.dot(w, x) + b)

    z = jnp.dot(w, x) + b
    dw, db = jax.grad(loss, (0, 1))(w, b)
    return {
        "a": float(jax.grad(loss_of_a)(jax.nn.sigmoid(z))),
        "z": float(jax.grad(loss_of_z)(z)),
        "w": [float(part) for part in dw],
        "b": float(db),
    }


def largest_differences(rows: Sequence[Node]) -> tuple[float, float]:
    """The largest |derivative − difference| and |derivative − jax.grad|, relative to the derivative or to 1."""
    scales = [max(1.0, abs(row.derivative)) for row in rows]
    by_difference = max(abs(row.derivative - row.difference) / scale for row, scale in zip(rows, scales, strict=True))
    by_jax = max(abs(row.derivative - row.by_jax) / scale for row, scale in zip(rows, scales, strict=True))
    return by_difference, by_jax
