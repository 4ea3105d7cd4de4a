"""Layer by layer, from the kernel's own values: the result of a call where one example alone has a gradient.

All others have the right label and scores so large that their dz is 0, and their loss. So dW_l = a_l−1ᵀ dZ_l / m and
db_l = dZ_l / m are those of one example, and each layer's values can be read from the result:

    dz = m db,   a_L = dw / db,   dZ_l = m db_l,   a_l−1 = the column of dW_l with the largest |db_l|, divided by that

A bound through all layers allows each of them the errors of all before it. Here each is judged from the kernel's own
values of the one before, forward and backward, within the errors of one layer:

    a_l      against g(a_l−1 W_l + b_l),   the first layer's a_0 against the features
    dz, J    against the output of a_L
    dZ_l     against dA_l g'(a_l), with dA_L = dz w and dA_l−1 = dZ_l W_lᵀ
    dW_l     against the product of what was read

A number that is read has the roundings of a product, of a division by m and of the division here: 4u of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kernels.contract import Judgement
from kernels.gradient.reference import in_double, unit_roundoff
from kernels.network import reference
from kernels.network.judge import compare, malformed
from kernels.network.net import Net, Parameters, result_parts
from kernels.network.reference import Layer

_READ = 8
"""Roundings of a number that is read: 4, twice, since what it is compared with has read numbers in it."""


@dataclass(frozen=True, eq=False)
class OneExample:
    """A call in which one example alone has a gradient."""

    net: Net
    x: np.ndarray
    """Its features, (n,)."""
    y: float
    m: int
    parameters: Sequence[np.ndarray]

    def judge(self, result: Sequence[np.ndarray]) -> Judgement:
        """Judge each layer from the kernel's own values."""
        names = result_parts(self.net, len(self.x))
        if failure := malformed({name: np.zeros(shape) for name, shape in names.items()}, result):
            return Judgement(failure)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            compared = list(self._compared(result))
        worst, text = max(compared)
        return Judgement(text if worst > 1 else "", min(worst, 1e300))

    def _compared(self, result: Sequence[np.ndarray]) -> Iterator[tuple[float, str]]:
        dtype = self.x.dtype
        u, t = unit_roundoff(dtype), 4 * self.m * float(np.finfo(dtype).smallest_normal)
        wide = [np.asarray(part, np.float64) * self.m for part in result]
        loss, of, weights = float(wide[0]), Parameters.of(wide[1:]), self._wide()
        dz = float(of.b)
        if not dz:
            yield np.inf, "db is 0, so the example has no gradient"
            return
        a = of.w / dz
        yield from self._output(a, loss, dz, u, t)
        D_after, W_after = np.full(1, dz), weights.w[:, np.newaxis]
        for number in range(self.net.layers, 0, -1):
            (dW, D), (W, b) = of.hidden[number - 1], weights.hidden[number - 1]
            if not D.any():
                yield np.inf, f"db{number} is 0, so the layer has no gradient"
                return
            own = Layer(a, np.zeros_like(a), a, _READ * u * np.abs(a) + t)
            slopes, slope_errors = reference.unit_slopes(self.net, own._replace(Z=a), u, t)
            if self.net.activation == "relu":
                slope_errors = np.zeros_like(slopes)  # a is 0 exactly where the kernel's is
            G = W_after @ D_after
            allowed = (len(D_after) + 2 + _READ) * u * (np.abs(W_after) @ np.abs(D_after))
            yield compare(f"m db{number}", D, G * slopes, allowed * slopes + np.abs(G) * slope_errors + t)
            chosen = int(np.argmax(np.abs(D)))
            before = dW[:, chosen] / D[chosen]
            product = np.outer(before, D)
            yield compare(f"m dW{number}", dW, product, 2 * _READ * u * np.abs(product) + t)
            inputs = np.abs(before)
            Z = before @ W + b
            error = (len(before) + 2 + _READ) * u * (inputs @ np.abs(W) + np.abs(b)) + t
            right, bound = reference.unit_values(self.net, Z, error, u, t)
            yield compare(f"a{number}", a, right, bound + _READ * u * np.abs(a) + t)
            a, D_after, W_after = before, D, W
        yield compare("x", a, self.x.astype(np.float64), 2 * _READ * u * np.abs(self.x) + t)

    def _output(self, a: np.ndarray, loss: float, dz: float, u: float, t: float) -> Iterator[tuple[float, str]]:
        weights, y = self._wide(), np.full(1, self.y)
        z, losses, right = (part.hi for part in in_double(a[np.newaxis], y, weights.w, float(weights.b)))
        terms = np.abs(a) @ np.abs(weights.w) + abs(float(weights.b))
        error = np.full(1, (len(a) + 2 + _READ) * u * terms + t)
        epsilon, lambda_ = reference.output_errors(z, error, y, losses, right, u, t)
        yield compare("m db", np.full(1, dz), right, epsilon + _READ * u * np.abs(right) + t)
        yield compare("m J", np.full(1, loss), losses, lambda_ + _READ * u * losses + t)

    def _wide(self) -> Parameters:
        return Parameters.of([np.asarray(parameter, np.float64) for parameter in self.parameters])


def alive(net: Net, x: np.ndarray, parameters: Sequence[np.ndarray], y: float) -> bool:
    """Whether every layer of this example has a gradient."""
    expected = reference.compute(net, x[np.newaxis], np.full(1, y, x.dtype), parameters)
    return all(bool(np.any(part)) for part in expected.value[1:])


def output_scores(net: Net, X: np.ndarray, parameters: Sequence[np.ndarray]) -> np.ndarray:
    """z of the output, (m,), in double."""
    weights = Parameters.of([np.asarray(parameter, np.float64) for parameter in parameters])
    last = reference.forward(net, X.astype(np.float64), weights.hidden, 0.0, 0.0)[-1].A
    return np.asarray(last @ weights.w + float(weights.b))
