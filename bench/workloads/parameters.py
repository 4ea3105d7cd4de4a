"""The arguments of each call that are new: numbered draws, fixed for checks, with a new seed for timed calls.

Separate from catalog.py because a worker draws its own arguments and needs nothing else of the workloads.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from kernels.contract import Fresh, Inputs, Operation

SEED = 20130101
_DROPPED_TOGETHER = 64
"""Calls whose arguments are in memory at once before those that are wanted: 50 MB with 100,000 features."""


def fresh_arguments(
    operation: Operation, inputs: Inputs, name: str, draw: int, count: int = 1, launch_seed: int = 0
) -> list[Fresh]:
    """Draw number `draw` for the workload of that name: new arguments for `count` calls.

    count: a larger count extends a draw and keeps its first arguments
    launch_seed: 0 for a draw that is the same in every launch and on every machine
    """
    rng = _generator(name, draw, launch_seed)
    return list(_drawn(operation, inputs, rng, count))


def fresh_argument(
    operation: Operation, inputs: Inputs, name: str, draw: int, call: int, launch_seed: int = 0
) -> Fresh:
    """Those of call number `call` of a draw, without the others in memory: a worker says how many calls it makes."""
    rng = _generator(name, draw, launch_seed)
    for start in range(0, call, _DROPPED_TOGETHER):
        _drawn(operation, inputs, rng, min(_DROPPED_TOGETHER, call - start))
    return operation.fresh(inputs, rng)


def _drawn(operation: Operation, inputs: Inputs, rng: np.random.Generator, count: int) -> Sequence[Fresh]:
    if operation.fresh_many is None:
        return [operation.fresh(inputs, rng) for _ in range(count)]
    return operation.fresh_many(inputs, rng, count)


def _generator(name: str, draw: int, launch_seed: int) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32(name.encode()), draw, *([launch_seed] if launch_seed else [])])


DATA_DRAW, UNSEEN_DRAW, COMPILE_DRAW, FIRST_DRAW, CALIBRATION_DRAW, ROUND_DRAW = 0, 1, 2, 3, 10, 100
"""Numbers of draws by use. Calibration uses several from its number on, and each round the next one."""
