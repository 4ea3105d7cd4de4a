"""The line that says what runs now and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.report.formatting import clock

_REFRESH_SECONDS = 0.2
_TRUSTED_SHARE = 0.1
"""From here on what has passed tells more about what is left than the estimate does."""


class Progress:
    """Rewrites a line, not too often."""

    def __init__(self, estimate: float, write: Callable[[str], None]) -> None:
        """estimate: seconds that all of it will take."""
        self._estimate = estimate
        self._write = write
        self._began = time.monotonic()
        self._shown = float("-inf")

    def tick(self, doing: str, share: float) -> None:
        """What is done now, and the share of the whole that is behind; called often."""
        now = time.monotonic()
        if now - self._shown >= _REFRESH_SECONDS:
            self._shown = now
            self._write(self.line(doing, share, now - self._began))

    def line(self, doing: str, share: float, elapsed: float) -> str:
        """At most 80 columns."""
        whole = elapsed / share if share >= _TRUSTED_SHARE else max(self._estimate, elapsed)
        left = max(0.0, whole - elapsed)
        return f"{doing[:45]}  {clock(elapsed)}, about {clock(left)} left"
