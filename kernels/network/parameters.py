"""The parameters of one call: drawn so that the values of every layer are of order 1, whatever its width.

Weights into units max(z, 0) have the variance 2 / inputs (He, Zhang, Ren and Sun, arXiv 1502.01852, 2015), others
1 / inputs; intercepts a standard deviation of 0.1.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from kernels.network.net import Net

_INTERCEPTS = 0.1


def draw(net: Net, n: int, dtype: np.dtype[Any], rng: np.random.Generator) -> list[np.ndarray]:
    """W1, b1, ... w, b, from the next numbers of the generator."""
    drawn = []
    for name, shape in net.shapes(n).items():
        variance = 2 if net.activation == "relu" and name.startswith("W") else 1
        size = sqrt(variance / shape[0]) if name[0] in "Ww" else _INTERCEPTS
        drawn.append(np.asarray(size * rng.standard_normal(shape), dtype))
    return drawn
