"""How a worker ended, in words."""

from __future__ import annotations

import os
import subprocess

OUTCOMES = ("raised", "out-of-memory", "unavailable")
"""What a worker may say of its kernel; everything else is seen from here."""
PHASES = {
    "load": "while it was imported",
    "place": "while its data was placed",
    "compile": "while it compiled",
    "call": "in its first call",
    "check": "while it was checked",
    "calibrate": "before its first round",
    "round": "while it was timed",
    "release": "after its last round",
    "look": "while it was looked at",
}


def has_exited(popen: subprocess.Popen[bytes]) -> bool:
    """Whether it has; where the system allows it without reaping, so that its group's number stays taken."""
    if not hasattr(os, "waitid"):
        return popen.poll() is not None
    try:
        return os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
