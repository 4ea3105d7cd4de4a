"""A noisy neighbour: keeps one core and the memory busy in bursts, until its parent is gone.

python -m bench.commands.selftest.noisy_neighbour
"""

from __future__ import annotations

import os
import random
import time

import numpy as np

_BYTES = 2**26
_SECONDS = (0.05, 0.5)
"""Of a burst, and of the pause after it: longer than a round, shorter than a launch."""


def main() -> None:
    """Copy, and pause."""
    parent = os.getppid()
    one, other = np.zeros(_BYTES // 8), np.ones(_BYTES // 8)
    while os.getppid() == parent:
        until = time.monotonic() + random.uniform(*_SECONDS)
        while time.monotonic() < until:
            np.copyto(one, other)
        time.sleep(random.uniform(*_SECONDS))


if __name__ == "__main__":
    main()
