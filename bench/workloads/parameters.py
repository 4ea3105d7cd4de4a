"""The parameters that a workload's calls get: numbered draws, the gate's the same everywhere, the others new.

They are apart from the workloads because a worker draws its own, and needs nothing else of those.
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

    The first ones of a draw are the same however many are drawn. launch_seed: any number; 0 where a draw is to be
    the same in every launch and on every machine.
    """
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode()), draw, *([launch_seed] if launch_seed else [])])
    drawn = rng.standard_normal((count, n + 1))
    return (drawn[:, :n] / np.sqrt(n)).astype(dtype), (drawn[:, n] / 2).astype(dtype)


GATE_DRAW, UNSEEN_DRAW, COMPILE_DRAW, FIRST_DRAW, CALIBRATION_DRAW, ROUND_DRAW = 0, 1, 2, 3, 10, 100
"""Which of a workload's parameters are for what: calibration takes a few, each round one more."""
