"""The words for how a worker failed: outcomes, and what it was doing."""

from __future__ import annotations

OUTCOMES = ("raised", "out-of-memory", "unavailable")
"""The outcomes that a worker may report of its own kernel; the race decides on all others."""
PHASES = {
    "load": "while it was imported",
    "place": "while its data was placed",
    "compile": "while it compiled",
    "call": "in its first call",
    "check": "while it was checked",
    "calibrate": "before its first round",
    "round": "while it was timed",
    "release": "after its last round",
    "inspect": "while it was inspected",
}
"""What a worker does on each request."""
