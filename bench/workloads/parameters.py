"""The parameters w and b of each call: numbered draws, fixed for checks, new in each launch for timed calls.

Separate from catalog.py because a worker draws its own parameters and needs nothing else of the workloads.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

SEED = 20130101


def parameters(
    name: str, n: int, dtype: np.dtype[Any], draw: int, count: int = 1, launch_seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw number `draw` for the workload of that name: w (count, n) and b (count,), for scores of order 1.

    count: a larger count extends a draw and keeps its first parameters
    launch_seed: 0 for a draw that is the same in every launch and on every machine
    """
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode()), draw, *([launch_seed] if launch_seed else [])])
    normal = rng.standard_normal((count, n + 1))
    return (normal[:, :n] / np.sqrt(n)).astype(dtype), (normal[:, n] / 2).astype(dtype)


DATA_DRAW, UNSEEN_DRAW, COMPILE_DRAW, FIRST_DRAW, CALIBRATION_DRAW, ROUND_DRAW = 0, 1, 2, 3, 10, 100
"""Numbers of draws by use. Calibration uses several from its number on, and each round the next one."""
