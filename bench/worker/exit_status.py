"""The words for how a worker failed: outcomes, and what it was doing."""

from __future__ import annotations

import os
import subprocess

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


def has_exited(popen: subprocess.Popen[bytes]) -> bool:
    """Whether the process has exited. Where possible it is not reaped, which keeps its process group's id taken."""
    if not hasattr(os, "waitid"):
        return popen.poll() is not None
    try:
        return os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
