"""The arguments of each call that are new: numbered draws, fixed for checks, with a new seed for timed calls.

Separate from catalog.py because a worker draws its own arguments and needs nothing else of the workloads.
"""

from __future__ import annotations

import zlib

import numpy as np

from kernels.contract import Fresh, Inputs, Operation

SEED = 20130101


def fresh_arguments(
    operation: Operation, inputs: Inputs, name: str, draw: int, count: int = 1, launch_seed: int = 0
) -> list[Fresh]:
    """Draw number `draw` for the workload of that name: new arguments for `count` calls.

    count: a larger count extends a draw and keeps its first arguments
    launch_seed: 0 for a draw that is the same in every launch and on every machine
    """
    rng = _generator(name, draw, launch_seed)
    return [operation.fresh(inputs, rng) for _ in range(count)]


def fresh_argument(
    operation: Operation, inputs: Inputs, name: str, draw: int, call: int, launch_seed: int = 0
) -> Fresh:
    """Those of call number `call` of a draw, without the others in memory: a worker says how many calls it makes."""
    rng = _generator(name, draw, launch_seed)
    for _ in range(call):
        operation.fresh(inputs, rng)
    return operation.fresh(inputs, rng)


def _generator(name: str, draw: int, launch_seed: int) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32(name.encode()), draw, *([launch_seed] if launch_seed else [])])


DATA_DRAW, UNSEEN_DRAW, COMPILE_DRAW, FIRST_DRAW, CALIBRATION_DRAW, ROUND_DRAW = 0, 1, 2, 3, 10, 100
"""Numbers of draws by use. Calibration uses several from its number on, and each round the next one."""
