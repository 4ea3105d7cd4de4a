"""The inputs of a race: a workload's arrays in shared memory, and the check cases with their expected results.

They are made once, in the parent process, for all kernels and as many launches as memory allows.
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
from bench.workloads.parameters import DATA_DRAW, UNSEEN_DRAW, parameters
from kernels import Problem, reference
from kernels.reference import Reference

_VECTORS = 6
"""With m elements each: y, and the labels of the probes."""
_CACHE_MEMORY_SHARE = 0.25
"""The largest part of the free memory that may hold inputs for later launches."""


@dataclass(frozen=True, eq=False)
class CheckCase:
    """The arguments of one call of a kernel, and the expected result."""

    check: str
    X: str
    y: str
    w: np.ndarray
    b: Any
    expected: Reference
    dtype: np.dtype[Any]

    def request(self) -> Request:
        """The request that makes a worker do this call."""
        arguments = {"X": self.X, "y": self.y, "w": self.w, "b": np.asarray(self.b), "probe": self.X != "X"}
        return Request("check", arguments)

    def judge(self, result: list[np.ndarray] | str) -> CheckResult:
        """Compare the returned result with the expected one; a text says what is wrong with the result's form."""
        return checks.judge(self.check, self.expected, self.dtype, result)


class WorkloadInputs:
    """The arrays and check cases that all kernels of a race share."""

    def __init__(self, workload: Workload) -> None:
        """Make the data, its references and the probes. Raises DatasetUnavailable and MemoryError."""
        self.workload = workload
        self._launch_seed = 0
        self._timed: dict[tuple[int, int], CheckCase] = {}
        problems = [catalog.problem(workload, draw) for draw in (DATA_DRAW, UNSEEN_DRAW)]
        X, y = problems[0].X, problems[0].y
        probe_problems = probes(workload)
        arrays = {"X": X, "y": y, "probe": probe_problems[0].problem.X}
        arrays |= {f"y of {probe.name}": probe.problem.y for probe in probe_problems}
        self.digest = digest(X, y)
        self.data, self.unseen = (
            self._case(name, "X", "y", problem, reference.compute(problem))
            for name, problem in zip(("data", "unseen"), problems, strict=True)
        )
        self.probes: Sequence[CheckCase] = [
            self._case(probe.name, "probe", f"y of {probe.name}", probe.problem, probe.expected)
            for probe in probe_problems
        ]
        del X, y, problems, probe_problems
        self.shared: Shared = shared_arrays.share_arrays(arrays, resources.available_bytes())
        catalog.clear_cache()  # the shared copy replaces it
        self.arrays = shared_arrays.map_arrays(self.shared.descriptor, self.shared.table)

    def _case(self, check: str, X: str, y: str, problem: Problem, expected: Reference) -> CheckCase:
        return CheckCase(check, X, y, problem.w, problem.b, expected, self.workload.dtype)

    def timed(self, draw: int, call: int) -> CheckCase:
        """The check of call number `call` in the round with this draw, within twice the usual bound.

        Kernels that were sampled at the same call share the reference.
        """
        if (draw, call) not in self._timed:
            workload = self.workload
            w, b = parameters(workload.name, workload.n, workload.dtype, draw, call + 1, self._launch_seed)
            problem = Problem(self.arrays["X"], self.arrays["y"], w[call], b[call])
            expected = reference.compute(problem, quick=True)
            self._timed[draw, call] = self._case("timed", "X", "y", problem, expected)
        return self._timed[draw, call]

    def begin_launch(self) -> None:
        """Choose a new seed for the parameters: a kernel that stores its results on disk cannot reuse them."""
        self._launch_seed = randrange(1, 2**32)
        self._timed.clear()

    def place_request(self) -> Request:
        """The request that gives a worker the arrays."""
        arguments = {"name": self.workload.name, "launch_seed": self._launch_seed, "table": self.shared.table}
        return Request("place", arguments, self.shared.descriptor)

    def close(self) -> None:
        """Free the memory."""
        self.arrays = {}
        self.shared.close()


def held_bytes(workload: Workload) -> int:
    """The bytes that a workload's inputs hold: its X and the probes' X, and the vectors."""
    return 2 * workload.bytes_of_x + _VECTORS * workload.m * workload.dtype.itemsize


class InputCache:
    """Keeps inputs from launch to launch, within a fixed part of the free memory."""

    def __init__(self) -> None:
        self._held: dict[str, WorkloadInputs] = {}

    @cached_property
    def budget(self) -> float:
        """The bytes that may be kept. Measured once, before any worker takes memory."""
        return _CACHE_MEMORY_SHARE * resources.available_bytes()

    def batches(self, workloads: Iterable[Workload]) -> list[list[str]]:
        """The workloads' names, in order, in batches that fit together: each workload's inputs are made once."""
        batches: list[list[str]] = []
        free = 0.0
        for workload in workloads:
            free -= held_bytes(workload)
            if free < 0 or not batches:
                batches.append([])
                free = self.budget - held_bytes(workload)
            batches[-1].append(workload.name)
        return batches

    def inputs_of(self, workload: Workload) -> WorkloadInputs:
        """The workload's inputs, made if they are not kept. Raises DatasetUnavailable and MemoryError."""
        if workload.name not in self._held:
            for name in list(self._held):
                held = sum(held_bytes(inputs.workload) for inputs in self._held.values())
                if held_bytes(workload) + held <= self.budget:
                    break
                self._held.pop(name).close()
            self._held[workload.name] = WorkloadInputs(workload)
        return self._held[workload.name]

    def close(self) -> None:
        """Free all memory."""
        for inputs in self._held.values():
            inputs.close()
        self._held.clear()
