"""The live line on a terminal: what is being measured, how far it is, and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable

_REFRESH_SECONDS = 0.2


def clock(seconds: float) -> str:
    """`45 s`, `1 min 05 s`, `2 h 10 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class Progress:
    """Counts steps whose cost was estimated beforehand; what they really took scales what is left."""

    def __init__(self, estimates: dict[tuple[str, str], float], write: Callable[[str], None]) -> None:
        self._estimates = estimates
        self._write = write
        self._began = time.monotonic()
        self._shown = float("-inf")
        self._done: dict[tuple[str, str], float] = {}
        self._current: tuple[str, str] | None = None

    def tick(self, workload: str, kernel: str) -> None:
        """What runs now; called often."""
        now = time.monotonic()
        if (workload, kernel) != self._current:
            if self._current is not None:
                self._done[self._current] = self._estimates.get(self._current, 0.0)
            self._current = workload, kernel
        elif now - self._shown < _REFRESH_SECONDS:
            return
        self._shown = now
        self._write(self.line(workload, kernel, now - self._began))

    def line(self, workload: str, kernel: str, elapsed: float) -> str:
        """At most 80 columns."""
        total, done = sum(self._estimates.values()), sum(self._done.values())
        pace = elapsed / done if done > 0 else 1.0  # seconds for each one estimated
        left = max(0.0, (total - done) * pace)
        place = f"[{len(self._done) + 1}/{len(self._estimates)}]"
        return f"{place} {workload}: {kernel}"[:45] + f"  {clock(elapsed)}, about {clock(left)} left"
