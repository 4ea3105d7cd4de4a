"""What else used the machine while rounds were timed, and the likely causes when a race cannot be trusted."""

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
"""Thresholds for naming a cause: shares of a core's time, the relative change of the spin, page faults per call."""


@dataclass(frozen=True)
class Snapshot:
    """Seconds, summed over all cores, since the machine started; `wall` is a clock."""

    wall: float
    busy: float | None
    stolen: float | None
    this_process: float
    """Used by this process and by those of its children that have exited."""


def snapshot() -> Snapshot:
    """The counters now; None where the system has no such counter."""
    busy = stolen = None
    with suppress(OSError, ValueError, IndexError):
        user, nice, system, _, _, irq, softirq, steal = (
            int(field) / _HERTZ for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
        busy, stolen = user + nice + system + irq + softirq, steal
    return Snapshot(time.monotonic(), busy, stolen, sum(os.times()[:4]))


def usage_between(before: Snapshot, after: Snapshot, workers_seconds: float) -> dict[str, float | None]:
    """Shares of one core's time that the host stole, and that processes outside the race used.

    workers_seconds: processor time that the race's workers used in between
    """
    wall = max(after.wall - before.wall, 1e-9)
    if before.busy is None or after.busy is None or before.stolen is None or after.stolen is None:
        return {"stolen": None, "others": None}
    others = after.busy - before.busy - (after.this_process - before.this_process) - workers_seconds
    return {
        "stolen": round((after.stolen - before.stolen) / wall, 4),
        "others": round(max(0.0, others) / wall, 4),
    }


def likely_causes(
    noises: Sequence[Mapping[str, float | None]], spins: Sequence[float], faults_per_call: float
) -> list[str]:
    """Observations that may explain why the control differs, with what to do about each; the likeliest first."""
    causes = []
    stolen, others = (max((noise.get(kind) or 0.0 for noise in noises), default=0.0) for kind in ("stolen", "others"))
    if stolen > _STOLEN:
        causes.append(f"the host stole up to {stolen:.0%} of a core: use a dedicated machine, or a longer run")
    if others > _OTHERS:
        causes.append(f"other processes used up to {others:.0%} of a core: stop them, or use --launches 20")
    if len(spins) > 1 and (swing := max(spins) / median(spins) - 1) > _SPIN:
        causes.append(f"the cores' speed changed by {swing:.0%}: fix the frequency, or let the machine cool")
    if faults_per_call > _FAULTS:
        causes.append(
            f"{faults_per_call:.0f} page faults per call, from memory mapped anew each time: reuse the buffers"
        )
    return causes or ["no cause was observed: use --launches 20, which averages over more launches"]
