"""Whether two runs had the same data under one name: a few means, recorded with every race.

Not a hash, because the last bit of a mean or an exponential differs between processors and libraries, and so do
standardised and random features. Other data, or another order of examples or features, change the means clearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose

import numpy as np

_MAX_NUMBERS = 2**20
"""Numbers of X that are used, from evenly spaced examples: a few milliseconds instead of seconds for a gigabyte."""
_TOLERANCE = 1e-9
"""Relative to the root mean square of x: a million times the rounding error of these float64 sums."""


def digest(X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The share of ones in y, the root mean square of x, and two means of x weighted by example, feature and label.

    X: (m, n); y: (m,). The weights are cosines of the indices, so that the order matters. Every number is finite for
    X in the whole range of its dtype.
    """
    m, n = X.shape
    step = -(-m * n // _MAX_NUMBERS)
    rows, labels = X[::step].astype(np.float64), y[::step].astype(np.float64)
    # Divided by a power of two near the largest |x|: no square overflows or vanishes, and no other digit changes.
    exponent = int(np.frexp(max(rows.max(), -rows.min()))[1])
    rows = np.ldexp(rows, -exponent)
    examples = (rows @ np.cos(np.arange(n))) * np.cos(np.arange(len(rows)))
    means = {
        "size": np.sqrt(np.mean(rows * rows)),
        "placed": np.sum(examples) / rows.size,
        "labelled": (examples @ labels) / rows.size,
    }
    return {"ones": float(np.mean(y))} | {name: float(np.ldexp(mean, exponent)) for name, mean in means.items()}


def same_data(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether both digests are of the same data, up to rounding. Keys that only one of them has are not compared."""
    scales = {key: abs(one["size"]) for key in one} | {"ones": 1.0}
    return all(
        isclose(one[key], other[key], rel_tol=0, abs_tol=_TOLERANCE * scales[key]) for key in one if key in other
    )
