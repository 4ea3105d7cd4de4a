"""Whether two runs had the same data under one name: a few means that stand in every race.

Not a hash: the last bit of a mean or of an exponential differs between processors and libraries, and with it that of
standardised or random features. Other data, and another order of its examples or features, differ at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose

import numpy as np

_MOST_NUMBERS = 2**20
"""Of X, evenly spaced examples: a few milliseconds, where reading all of a gigabyte takes seconds."""
_TOLERANCE = 1e-9
"""Relative to the root mean square of x: a million times the rounding of these sums, which are in float64."""


def digest(X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The share of ones in y, the root mean square of x, and two means of x weighted by example, feature and label.

    X: (m, n); y: (m,). The weights are cosines of the place, so that what moved to another place counts.
    """
    m, n = X.shape
    step = -(-m * n // _MOST_NUMBERS)
    rows, labels = X[::step].astype(np.float64), y[::step].astype(np.float64)
    examples = (rows @ np.cos(np.arange(n))) * np.cos(np.arange(len(rows)))
    return {
        "ones": float(np.mean(y)),
        "size": float(np.sqrt(np.mean(rows * rows))),
        "placed": float(np.sum(examples)) / rows.size,
        "labelled": float(examples @ labels) / rows.size,
    }


def same_data(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether they are of the same data, but for rounding. What only one of them has is not compared."""
    scales = {key: abs(one["size"]) for key in one} | {"ones": 1.0}
    return all(
        isclose(one[key], other[key], rel_tol=0, abs_tol=_TOLERANCE * scales[key]) for key in one if key in other
    )
