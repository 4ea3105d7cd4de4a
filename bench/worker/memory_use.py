"""How much memory a workload takes: what placing its data added to the process, and what one call added.

The peak of a process since it began says little: it has the libraries, the compiler and every earlier workload in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from bench.host import procfs


@dataclass
class MemoryUse:
    """Of one workload, in bytes of resident memory; None where the system cannot reset a peak."""

    peak_bytes: int | None = None
    """The most that the whole process had while it had the workload."""
    placed_bytes: int | None = None
    """The most that placing the data added. Data that the kernel uses where they are add nothing."""
    call_bytes: int | None = None
    """The most that one call added to what the process had before it."""
    calibrated: bool = False
    """Whether the kernel has made its first calls."""

    def __post_init__(self) -> None:
        self._resets = procfs.reset_peak()

    @contextmanager
    def watch(self, name: Literal["placed_bytes", "call_bytes"]) -> Iterator[None]:
        """Set this field to what the process adds meanwhile, at its highest."""
        procfs.return_free_memory()
        self._note_peak()
        self._resets = self._resets and procfs.reset_peak()
        before = procfs.peak_bytes()
        yield
        after = procfs.peak_bytes()
        if self._resets and before is not None and after is not None:
            setattr(self, name, max(0, after - before))

    def ended(self) -> MemoryUse:
        """The same, with the peak up to now."""
        self._note_peak()
        return self

    def _note_peak(self) -> None:
        if self._resets and (peak := procfs.peak_bytes()) is not None:
            self.peak_bytes = max(peak, self.peak_bytes or 0)
