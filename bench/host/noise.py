"""What else the machine did while rounds were timed, and what that says where a race cannot be trusted."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_HERTZ = os.sysconf("SC_CLK_TCK")
_STOLEN, _OTHERS, _SPIN, _FAULTS = 0.01, 0.05, 0.05, 1.0
"""From where on each is named: shares of the machine's time, of a spin's, and page faults a call."""


@dataclass(frozen=True)
class Snapshot:
    """Seconds of all cores together, since the machine started."""

    wall: float
    busy: float | None
    stolen: float | None
    own: float
    """Of this process and its children that have ended."""


def snapshot() -> Snapshot:
    """Now. What the system does not tell is None."""
    busy = stolen = None
    with suppress(OSError, ValueError, IndexError):
        user, nice, system, _, _, irq, softirq, steal = (
            int(field) / _HERTZ for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
        busy, stolen = user + nice + system + irq + softirq, steal
    return Snapshot(time.monotonic(), busy, stolen, sum(os.times()[:4]))


def usage_between(before: Snapshot, after: Snapshot, workers_seconds: float) -> dict[str, float | None]:
    """Shares of one core's time: stolen by the host, and used by processes that are not of the race."""
    wall = max(after.wall - before.wall, 1e-9)
    if before.busy is None or after.busy is None or before.stolen is None or after.stolen is None:
        return {"stolen": None, "others": None}
    others = after.busy - before.busy - (after.own - before.own) - workers_seconds
    return {
        "stolen": round((after.stolen - before.stolen) / wall, 4),
        "others": round(max(0.0, others) / wall, 4),
    }


def likely_causes(
    noises: Sequence[Mapping[str, float | None]], spins: Sequence[float], faults_per_call: float
) -> list[str]:
    """What was seen that may explain a control that differs, and what to do about it; the likeliest first."""
    found = []
    stolen, others = (max((noise.get(kind) or 0.0 for noise in noises), default=0.0) for kind in ("stolen", "others"))
    if stolen > _STOLEN:
        found.append(f"the host took up to {stolen:.0%} of a core away: use a machine of your own, or a longer run")
    if others > _OTHERS:
        found.append(f"other processes used up to {others:.0%} of a core: stop them, or use --launches 20")
    if len(spins) > 1 and (swing := max(spins) / median(spins) - 1) > _SPIN:
        found.append(f"the cores' speed changed by {swing:.0%}: fix the frequency, or let the machine cool")
    if faults_per_call > _FAULTS:
        found.append(
            f"{faults_per_call:.0f} page faults a call, memory mapped anew each time: let it keep its buffers"
        )
    return found or ["nothing was seen that explains it: use --launches 20, which averages over more luck"]
