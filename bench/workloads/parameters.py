"""The parameters that a workload's calls get: numbered draws, the gate's the same everywhere, the others new.

They are apart from the workloads because a worker draws its own, and needs nothing else of those.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

SEED = 20130101


def parameters(
    name: str, n: int, dtype: np.dtype[Any], draw: int, count: int = 1, salt: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw number `draw` for the workload of that name: w (count, n) and b (count,), for scores of order 1.

    The first ones of a draw are the same however many are drawn. salt: any number; 0 where a draw is to be the same
    in every launch and on every machine.
    """
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode()), draw, *([salt] if salt else [])])
    drawn = rng.standard_normal((count, n + 1))
    return (drawn[:, :n] / np.sqrt(n)).astype(dtype), (drawn[:, n] / 2).astype(dtype)
