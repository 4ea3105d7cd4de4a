"""The data of a fit in a mirror: on them every solver has the same work, and none has seen their optimum.

With the columns of X in another order, some of them negated, and perhaps the classes exchanged, F is the same
function of coefficients that are permuted and negated likewise. Which, is drawn anew each time. All starts lead to
one optimum, so a kernel that keeps the coefficients of data that it knows would be right and fast; here it is one of
them only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.contract import Inputs, Mirror, Probe
from kernels.fit.judge import judge
from kernels.gradient import operation as gradient


def mirror(inputs: Inputs, rng: np.random.Generator) -> Mirror:
    """The inputs with columns permuted and negated, and the classes exchanged or not, at random."""
    X, y = inputs.placed.values()
    n = X.shape[1]
    order, signs, exchanged = rng.permutation(n), rng.choice([-1.0, 1.0], n).astype(X.dtype), bool(rng.integers(2))

    def made() -> Inputs:
        other = np.empty_like(X)
        for j, (column, sign) in enumerate(zip(order, signs, strict=True)):
            np.multiply(X[:, column], sign, out=other[:, j])
        return Inputs({"X": other, "y": 1 - y if exchanged else y}, inputs.static, inputs.details)

    def restore(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """parts: w, (n,) or (k, n), and b, and whatever else a result has"""
        w, b, *others = parts
        restored = np.empty_like(w)
        restored[..., order] = -w * signs if exchanged else w * signs
        return [restored, -b if exchanged else b, *others]

    return Mirror(made, restore)


def probes(inputs: Inputs) -> Sequence[Probe]:
    """A fit of the data in a mirror, from a new start."""
    rng = np.random.default_rng()
    mirrored = mirror(inputs, rng)
    start = gradient.fresh(inputs, rng)
    w, b = mirrored.restore(start)
    judged = judge(inputs, (w, b), quick=True)
    return [Probe("mirrored", mirrored.inputs(), start, lambda result: judged(mirrored.restore(result)))]
