"""What is known about a kernel on a workload: its record from a short race, and what its compiler made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.commands.explain import assembly, hlo
from bench.commands.explain.assembly import Assembly, Loop
from bench.commands.explain.hlo import Program
from bench.results.record import Record
from kernels.ceilings.specs import amounts

_DISTURBED = 0.05
"""Of a core's time: from this share on, a race names other processes as a cause of a control that differs."""


@dataclass(frozen=True)
class Findings:
    """About one kernel on one workload."""

    record: Record
    """From one launch without other kernels: its times are for orientation only."""
    around: str = ""
    """The kernel of the default operation, as on a command line, if this one is Python code around it."""
    taken: float = 0.0
    """The share of a core's time that the host and other processes used meanwhile."""
    signatures: tuple[str, ...] = ()
    """The types for which Numba compiled the kernel."""
    assembly: Assembly | None = None
    program: Program | None = None
    """What XLA compiled it to."""
    temporary_bytes: int | None = None
    """Memory that a call needs beyond its arguments and result: as XLA plans it, or traced for Python and NumPy."""
    flops: float | None = None
    """Of a call, counted by XLA."""
    blas: tuple[Mapping[str, Any], ...] = ()
    """The libraries that may compute its products, if neither Numba nor XLA compiled it."""

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return 4 if self.record.dtype == "float32" else 8

    @property
    def repeats(self) -> float:
        """How many passes over X a call of the operation makes; a kernel's own passes count for each."""
        record = self.record
        read = (record.work or {}).get("read")
        return read / amounts(record.m, record.n, self.itemsize)["read"] if read else 1.0

    @property
    def disturbed(self) -> bool:
        """Whether other processes used so much of a core that busy threads and times mean little."""
        return self.taken > _DISTURBED

    @property
    def loops(self) -> tuple[Loop, ...]:
        """Loops that compute with floating-point numbers."""
        return self.assembly.loops if self.assembly else ()

    @property
    def innermost(self) -> tuple[Loop, ...]:
        """Those without a loop inside."""
        return tuple(loop for loop in self.loops if loop.innermost)

    @property
    def mathematics(self) -> tuple[str, ...]:
        """The functions of the math library that loops call for one number at a time."""
        names = dict.fromkeys(name for loop in self.loops for name in loop.counts.mathematics)
        return tuple(name for name in names if not name.startswith("__svml"))


def combine(record: Record, spec: str, noise: Mapping[str, float | None], inspected: Mapping[str, Any]) -> Findings:
    """From a record, the kernel's name as on a command line, the noise while it was timed, and the values from
    `inspect_kernel.inspect`.
    """
    numba, xla = inspected.get("numba"), inspected.get("xla")
    return Findings(
        record,
        around=spec if inspected["python"] and record.of else "",
        taken=sum(share or 0.0 for share in noise.values()),
        signatures=tuple(numba["signatures"]) if numba else (),
        assembly=assembly.read(numba["assembly"]) if numba else None,
        program=hlo.read(xla["program"], record.m * record.n) if xla else None,
        # memory from Numba and XLA is not traced: the traced bytes would be the result's alone
        temporary_bytes=xla["temporary_bytes"] if xla else None if numba else inspected["traced_bytes"],
        flops=xla["flops"] if xla else None,
        blas=() if numba or xla else tuple(inspected["blas"]),
    )
