"""What was found of a kernel on a workload: its record of a short race, and what was seen inside its process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.commands.explain.assembly import Assembly, InstructionCounts, Loop
from bench.commands.explain.hlo import Group, Program
from bench.results.record import Record

_DISTURBED = 0.05
"""Of a core's time: from there on a race names it as what may make a control differ."""


@dataclass(frozen=True)
class Findings:
    """Of one kernel on one workload."""

    record: Record
    """Of one launch, beside no other kernel: its times are for orientation only."""
    taken: float = 0.0
    """The share of a core's time that the host and other processes took meanwhile."""
    signatures: tuple[str, ...] = ()
    """What Numba compiled the kernel for."""
    assembly: Assembly | None = None
    program: Program | None = None
    """What XLA made of it."""
    temporary_bytes: int | None = None
    """What a call holds beyond its arguments and its result: as XLA says, or as traced for Python and NumPy."""
    flops: float | None = None
    """As XLA counts them, for a call."""
    blas: tuple[Mapping[str, Any], ...] = ()
    """Where neither Numba nor XLA compiled it: the libraries that may do its products."""

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return 4 if self.record.dtype == "float32" else 8

    @property
    def disturbed(self) -> bool:
        """Whether others kept a processor from it, so that its threads and its time say little."""
        return self.taken > _DISTURBED

    @property
    def innermost(self) -> tuple[Loop, ...]:
        """Loops with floating-point work and no loop inside."""
        return tuple(loop for loop in self.assembly.loops if loop.innermost) if self.assembly else ()

    @property
    def mathematics(self) -> tuple[str, ...]:
        """The functions of the mathematical library that its loops call for one number at a time."""
        called = [name for loop in (self.assembly.loops if self.assembly else ()) for name in loop.mix.mathematics]
        return tuple(name for name in dict.fromkeys(called) if not name.startswith("__svml"))


def gathered(record: Record, noise: Mapping[str, float | None], seen: Mapping[str, Any]) -> Findings:
    """Put together a record, the noise while it was timed, and what `look` told."""
    numba, xla = seen.get("numba"), seen.get("xla")
    return Findings(
        record,
        taken=sum(share or 0.0 for share in noise.values()),
        signatures=tuple(numba["signatures"]) if numba else (),
        assembly=_assembly(numba["assembly"]) if numba else None,
        program=_program(xla["program"]) if xla else None,
        # Numba's and XLA's memory is not traced: what is seen of it would be the result's alone
        temporary_bytes=xla["temporary_bytes"] if xla else None if numba else seen["traced_bytes"],
        flops=xla["flops"] if xla else None,
        blas=() if numba or xla else tuple(seen["blas"]),
    )


def _assembly(plain: Mapping[str, Any]) -> Assembly:
    loops = (Loop(**{**loop, "mix": _mix(loop["mix"])}) for loop in plain["loops"])
    return Assembly(_mix(plain["whole"]), plain["functions"], tuple(loops))


def _mix(plain: Mapping[str, Any]) -> InstructionCounts:
    return InstructionCounts(**{**plain, "calls": tuple(plain["calls"])})


def _program(plain: Mapping[str, Any]) -> Program:
    groups = {name: Group(**group) for name, group in plain["groups"].items()}
    return Program(**{**plain, "groups": groups})
