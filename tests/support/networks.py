"""Networks for tests, and kernels to compute them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from kernels import Kernel, names
from kernels.network.net import Net, result_parts
from kernels.network.parameters import draw

every_network = pytest.mark.parametrize("name", names("network"))


class Drawn(NamedTuple):
    """A network on data, with parameters."""

    net: Net
    X: np.ndarray
    y: np.ndarray
    parameters: list[np.ndarray]

    @property
    def names(self) -> list[str]:
        """Of the result's parts."""
        return list(result_parts(self.net, self.X.shape[1]))


def drawn(
    net: Net, m: int, n: int, dtype: type[np.floating[Any]] = np.float64, order: str = "C", seed: int = 0
) -> Drawn:
    """Standard normal features, random labels, and parameters as a call has them."""
    rng = np.random.default_rng([seed, m, n, *net[1:]])
    X = np.asarray(rng.standard_normal((m, n)), dtype, order="C" if order == "C" else "F")
    return Drawn(net, X, rng.integers(0, 2, m).astype(dtype), draw(net, n, np.dtype(dtype), rng))


def call(kernel: Kernel, one: Drawn, parameters: Sequence[Any] | None = None) -> list[np.ndarray]:
    """One call, with arguments placed and the result converted as the suite does."""
    backend, dtype = kernel.backend, one.X.dtype
    fresh = one.parameters if parameters is None else parameters
    placed = [backend.asarray(np.asarray(part)[()]) for part in (one.X, one.y, *fresh)]
    result = backend.wait(kernel.built(tuple(one.net))(*placed))
    return [np.asarray(backend.asnumpy(part, dtype)) for part in result]
