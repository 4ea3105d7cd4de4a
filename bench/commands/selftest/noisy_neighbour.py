"""A noisy neighbour: keeps one core and the memory busy in bursts, until its parent process ends.

python -m bench.commands.selftest.noisy_neighbour
"""

from __future__ import annotations

import os
import random
import time

import numpy as np

_BYTES = 2**26
_SECONDS = (0.05, 0.5)
"""The range of a burst's length, and of a pause's: longer than a round, shorter than a launch."""


def main() -> None:
    """Copy memory and pause, in turn."""
    parent = os.getppid()
    target, source = np.zeros(_BYTES // 8), np.ones(_BYTES // 8)
    while os.getppid() == parent:
        end = time.monotonic() + random.uniform(*_SECONDS)
        while time.monotonic() < end:
            np.copyto(target, source)
        time.sleep(random.uniform(*_SECONDS))


if __name__ == "__main__":
    main()
