"""Was a sweep disturbed? Watches foreign processes while sweeps are timed, and waits until they are quiet.

What the system counts of foreign processes decides, never a time: a kernel has no influence on it, so leaving out
disturbed sweeps does not favour any.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from bench.host.foreign import ForeignProcesses, used_between

DISTURBED = 0.05
"""Share of a core's time. In an undisturbed run others used up to 0.03; with launches above 0.05 left out of a
disturbed run, its intervals were as narrow as in an undisturbed one."""
_QUIET_SECONDS = 0.05
"""Five ticks of the scheduler at 100 Hz."""


@dataclass(frozen=True)
class SweepUsage:
    """What foreign processes used while a sweep was timed."""

    share: float
    """Of a core's time."""
    foreign: dict[str, float] = field(default_factory=dict)
    """Kernel → seconds that they used in its round."""
    exposure: dict[str, float] = field(default_factory=dict)
    """Kernel → seconds that its round took, with all that is untimed in it."""

    @property
    def is_disturbed(self) -> bool:
        """Whether the sweep does not count."""
        return self.share > DISTURBED


class Watch(Protocol):
    """What `time_sweeps` asks. Tests implement it without processes."""

    def begin_sweep(self) -> None:
        """A sweep begins."""

    def after_round(self, kernel: str) -> None:
        """A round of this kernel has ended."""

    def end_sweep(self) -> SweepUsage | None:
        """The sweep has ended; None where the system does not tell what others do."""

    def wait(self, seconds: float, busy: Callable[[str], None]) -> float:
        """Wait until others are quiet, at most so long; returns the seconds. busy: called with the name of the
        process that is busiest.
        """


class ForeignWatch:
    """A watch on the processes of this machine."""

    def __init__(self, processes: ForeignProcesses | None = None) -> None:
        self._processes = processes or ForeignProcesses()
        self._can_tell = self._processes.can_tell

    def begin_sweep(self) -> None:
        """Begin to count."""
        if self._can_tell:
            self._before, self._began = self._processes.scan(), time.perf_counter()
            self._clocks, self._round_began = self._before.clocks, self._began
            self._foreign: dict[str, float] = {}
            self._exposure: dict[str, float] = {}

    def after_round(self, kernel: str) -> None:
        """Count what was used since the last call."""
        if self._can_tell:
            clocks, now = self._processes.clocks(), time.perf_counter()
            self._foreign[kernel] = used_between(self._clocks, clocks)
            self._exposure[kernel] = now - self._round_began
            self._clocks, self._round_began = clocks, now

    def end_sweep(self) -> SweepUsage | None:
        """What was used since `begin_sweep`."""
        if not self._can_tell:
            return None
        seconds = time.perf_counter() - self._began
        used = self._before.seconds_until(self._processes.scan())
        return SweepUsage(used / seconds, self._foreign, self._exposure)

    def wait(self, seconds: float, busy: Callable[[str], None]) -> float:
        """Wait until others have been quiet for 50 ms, at most so many seconds; returns how long it took."""
        began = now = time.perf_counter()
        before = self._processes.scan()
        while now - began < seconds:
            time.sleep(_QUIET_SECONDS)
            after, earlier, now = self._processes.scan(), now, time.perf_counter()
            if before.seconds_until(after) <= DISTURBED * (now - earlier):
                break
            busy(self._processes.busiest(before, after))
            before = after
        return now - began
