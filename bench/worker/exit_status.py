"""The words for how a worker failed: outcomes, and what it was doing."""

from __future__ import annotations

import signal

OUTCOMES = ("raised", "out-of-memory", "unavailable")
"""The outcomes that a worker may report of its own kernel; the race decides on all others."""
PHASES = {
    "load": "while it was imported",
    "place": "while its data was placed",
    "compile": "while it compiled",
    "call": "in its first call",
    "check": "while it was checked",
    "calibrate": "before its first round",
    "warm_up": "before a round",
    "round": "while it was timed",
    "draw": "after its last round",
    "watched": "while it was timed from outside",
    "mirrored": "on data that it had not seen",
    "release": "after its last round",
    "inspect": "while it was inspected",
}
"""What a worker does on each request."""


def exit_reason(code: int, phase: str) -> str:
    """How a worker ended. code: its exit code, or minus the signal that ended it; phase: what it was doing"""
    if code >= 0:
        return f"it exited with code {code} {phase}"
    name = next((one.name for one in signal.Signals if one == -code), f"signal {-code}")
    hint = " (the system may have run out of memory)" if -code == signal.SIGKILL else ""
    return f"{name}, {str(signal.strsignal(-code)).lower()}, {phase}{hint}"
