"""A workload made ready for a race: its arrays in shared memory, and the questions with their answers.

Made once, in the parent, however many kernels and launches there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import randrange
from typing import Any

import numpy as np

from bench.correctness import checks
from bench.correctness.checks import CheckResult
from bench.correctness.probes import probes
from bench.host import resources
from bench.worker import shared_arrays
from bench.worker.messages import Request
from bench.worker.shared_arrays import Shared
from bench.workloads import catalog
from bench.workloads.catalog import Workload
from bench.workloads.digest import digest
from bench.workloads.parameters import GATE_DRAW, UNSEEN_DRAW, parameters
from kernels import Problem, reference
from kernels.reference import Reference

_VECTORS = 6
_SHARE_OF_MEMORY = 0.25
"""Of what is free: the most that is kept for a later launch."""


@dataclass(frozen=True, eq=False)
class CheckCase:
    """One call of a kernel, and what it should return."""

    check: str
    X: str
    y: str
    w: np.ndarray
    b: Any
    expected: Reference
    dtype: np.dtype[Any]

    def order(self) -> Request:
        """The question as a worker's order."""
        arguments = {"X": self.X, "y": self.y, "w": self.w, "b": np.asarray(self.b), "probe": self.X != "X"}
        return Request("check", arguments)

    def judge(self, got: list[np.ndarray] | str) -> CheckResult:
        """Compare what came back."""
        return checks.judge(self.check, self.expected, self.dtype, got)


class WorkloadInputs:
    """What all kernels of a race share."""

    def __init__(self, workload: Workload) -> None:
        """Make it. Raises DatasetUnavailable and MemoryError."""
        self.workload = workload
        self._launch_seed = 0
        self._timed: dict[tuple[int, int], CheckCase] = {}
        own = [catalog.problem(workload, draw) for draw in (GATE_DRAW, UNSEEN_DRAW)]
        probed = probes(workload)
        arrays = {"X": own[0].X, "y": own[0].y, "probe": probed[0].problem.X}
        self.digest = digest(own[0].X, own[0].y)
        arrays |= {f"y of {check.name}": check.problem.y for check in probed}
        self.data, self.unseen = (
            self._question(name, "X", "y", problem, reference.compute(problem))
            for name, problem in zip(("data", "unseen"), own, strict=True)
        )
        self.probes: Sequence[CheckCase] = [
            self._question(check.name, "probe", f"y of {check.name}", check.problem, check.expected)
            for check in probed
        ]
        del own, probed
        self.shared: Shared = shared_arrays.share_arrays(arrays, resources.available_bytes())
        catalog.forget()  # the shared copy is enough
        self.arrays = shared_arrays.map_arrays(self.shared.descriptor, self.shared.table)

    def _question(self, check: str, X: str, y: str, problem: Problem, expected: Reference) -> CheckCase:
        return CheckCase(check, X, y, problem.w, problem.b, expected, self.workload.dtype)

    def timed(self, draw: int, call: int) -> CheckCase:
        """What call number `call` of a round should have returned, to twice the usual bound.

        Kernels that were sampled at the same call share the answer.
        """
        if (draw, call) not in self._timed:
            workload = self.workload
            w, b = parameters(workload.name, workload.n, workload.dtype, draw, call + 1, self._launch_seed)
            problem = Problem(self.arrays["X"], self.arrays["y"], w[call], b[call])
            answer = reference.compute(problem, quick=True)
            self._timed[draw, call] = self._question("timed", "X", "y", problem, answer)
        return self._timed[draw, call]

    def begin_launch(self) -> None:
        """New parameters: not even a kernel that keeps its answers on disk has seen those of a new launch."""
        self._launch_seed = randrange(1, 2**32)
        self._timed.clear()

    def place(self) -> Request:
        """The order that gives a worker the arrays."""
        arguments = {"name": self.workload.name, "launch_seed": self._launch_seed, "table": self.shared.table}
        return Request("place", arguments, self.shared.descriptor)

    def close(self) -> None:
        """Give the memory back."""
        self.arrays = {}
        self.shared.close()


def held_bytes(workload: Workload) -> int:
    """What is kept of a workload: X and the probes' X, y and one for each probe."""
    return 2 * workload.bytes_of_x + _VECTORS * workload.m * workload.dtype.itemsize


class InputCache:
    """Kept from launch to launch, as long as they take no more than their share of what is free."""

    def __init__(self) -> None:
        self._held: dict[str, WorkloadInputs] = {}

    @cached_property
    def budget(self) -> float:
        """Bytes that may be kept: of what was free at the beginning, or else workers would count against it."""
        return _SHARE_OF_MEMORY * resources.available_bytes()

    def batches(self, chosen: Iterable[Workload]) -> list[list[str]]:
        """The workloads, in order, in parts that can be kept together: each is made once, however many launches."""
        parts: list[list[str]] = []
        room = 0.0
        for workload in chosen:
            room -= held_bytes(workload)
            if room < 0 or not parts:
                parts.append([])
                room = self.budget - held_bytes(workload)
            parts[-1].append(workload.name)
        return parts

    def of(self, workload: Workload) -> WorkloadInputs:
        """The workload's. Raises DatasetUnavailable and MemoryError."""
        if workload.name not in self._held:
            for name in list(self._held):
                kept = sum(held_bytes(inputs.workload) for inputs in self._held.values())
                if held_bytes(workload) + kept <= self.budget:
                    break
                self._held.pop(name).close()
            self._held[workload.name] = WorkloadInputs(workload)
        return self._held[workload.name]

    def close(self) -> None:
        """Give all memory back."""
        for inputs in self._held.values():
            inputs.close()
        self._held.clear()
