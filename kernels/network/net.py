"""The shape of a network, its parameters, and the names of a result's parts.

A_0 = X (m, n);   Z_l = A_l−1 W_l + b_l,   A_l = g(Z_l)   for l = 1 ... L;   ŷ = σ(A_L w + b)

W_l (inputs, units), b_l (units,), w (units of the last layer,), b a scalar. Without layers it is logistic regression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

ACTIVATIONS = ("relu", "sigmoid")
"""What the hidden units may be: g(z) = max(z, 0) or σ(z)."""


class Net(NamedTuple):
    """What a kernel may compile for."""

    activation: str
    layers: int
    """Of hidden units."""
    width: int
    """Units in each."""

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Parameter → its shape, in the order of the call's arguments; for n features."""
        sizes = [n, *[self.width] * self.layers]
        shapes: dict[str, tuple[int, ...]] = {}
        for number, (before, units) in enumerate(pairwise(sizes), 1):
            shapes |= {f"W{number}": (before, units), f"b{number}": (units,)}
        return shapes | {"w": (sizes[-1],), "b": ()}

    def layer_shapes(self, n: int) -> tuple[tuple[int, int], ...]:
        """(inputs, units) of each layer, for n features."""
        return tuple(pairwise((n, *[self.width] * self.layers)))

    def products(self, n: int) -> int:
        """The multiplications with an addition for one example, forward and backward; X itself gets no gradient."""
        sizes = [n, *[self.width] * self.layers, 1]
        every = [before * units for before, units in pairwise(sizes)]
        return 3 * sum(every) - every[0]


class Parameters(NamedTuple):
    """The parameters, layer by layer."""

    hidden: Sequence[tuple[Any, Any]]
    """(W, b) of each layer."""
    w: Any
    b: Any

    @classmethod
    def of(cls, arrays: Sequence[Any]) -> Parameters:
        """From a call's arguments: W1, b1, W2, b2, ... w, b."""
        *hidden, w, b = arrays
        return cls(list(zip(hidden[::2], hidden[1::2], strict=True)), w, b)

    def flat(self) -> Iterator[Any]:
        """As they are in a call's arguments."""
        for W, b in self.hidden:
            yield from (W, b)
        yield from (self.w, self.b)


def result_parts(net: Net, n: int) -> Mapping[str, tuple[int, ...]]:
    """Part of a result → its shape: the cost, and a derivative for each parameter."""
    return {"cost": (), **{f"d{name}": shape for name, shape in net.shapes(n).items()}}
