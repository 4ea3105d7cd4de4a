"""The line that says what runs now and how much time is left."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.report.formatting import clock

_REFRESH_SECONDS = 0.2
_TRUSTED_SHARE = 0.1
"""From this share on, the elapsed time predicts the rest better than the estimate does."""


class Progress:
    """Rewrites a line, a few times a second at most."""

    def __init__(self, estimate: float, write: Callable[[str], None]) -> None:
        """estimate: seconds for the whole run. write: shows a line in place of the last."""
        self._estimate = estimate
        self._write = write
        self._began = time.monotonic()
        self._last_shown = float("-inf")

    def tick(self, activity: str, share: float) -> None:
        """Show what runs now. share: of the run that is done. May be called at any rate."""
        now = time.monotonic()
        if now - self._last_shown >= _REFRESH_SECONDS:
            self._last_shown = now
            self._write(self.line(activity, share, now - self._began))

    def line(self, activity: str, share: float, elapsed: float) -> str:
        """At most 80 columns."""
        total = elapsed / share if share >= _TRUSTED_SHARE else max(self._estimate, elapsed)
        left = max(0.0, total - elapsed)
        return f"{activity[:45]}  {clock(elapsed)}, about {clock(left)} left"
