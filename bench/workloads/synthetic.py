"""Synthetic data: features without structure, and labels that a logistic model gives them.

Separate from datasets.py because these are made and not read.
"""

from __future__ import annotations

import numpy as np

from bench.workloads.datasets import Examples
from bench.workloads.parameters import SEED

_CHUNK_ROWS = 2**14


def synthetic(m: int, n: int) -> Examples:
    """Standard normal features without subnormals; labels drawn from the model, with weights of order 2/√n."""
    rng = np.random.default_rng([SEED, m, n])
    w, b = 2 * rng.standard_normal(n) / np.sqrt(n), rng.standard_normal() / 2
    X, y = np.empty((m, n)), np.empty(m)
    for start in range(0, m, _CHUNK_ROWS):
        rows = X[start : start + _CHUNK_ROWS]
        rng.standard_normal(out=rows)
        y[start : start + len(rows)] = rng.random(len(rows)) < 1 / (1 + np.exp(-(rows @ w + b)))
    return X, y
