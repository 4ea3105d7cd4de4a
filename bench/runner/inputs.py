"""The inputs of a race: a workload's arrays in shared memory, and the check cases with their expected results.

They are made once, in the parent process, for all kernels and as many launches as memory allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bench.correctness import checks
from bench.correctness.checks import CheckResult
from bench.host import resources
from bench.results.samples import KernelSamples
from bench.runner.kernel_run import ResultForm
from bench.worker import shared_arrays
from bench.worker.messages import Request
from bench.worker.shared_arrays import Shared
from bench.workloads import catalog
from bench.workloads.catalog import Workload
from bench.workloads.datasets import DatasetUnavailable
from bench.workloads.digest import digest
from bench.workloads.parameters import DATA_DRAW, UNSEEN_DRAW, fresh_argument
from kernels.contract import Change, Fresh, Inputs, Judge, Probe, SmallerProbe
from kernels.nests import map_arrays

_VECTORS = 15
"""With m elements each: y, and the labels of the probes."""
_CACHE_MEMORY_SHARE = 0.25
"""The largest part of the free memory that may hold inputs for later launches."""


@dataclass(frozen=True, eq=False)
class CheckCase:
    """The arguments of one call of a kernel, and how its result is judged."""

    check: str
    fields: Mapping[str, str]
    """Field → the name of a shared array; empty for the fields that are placed already."""
    fresh: Fresh
    judgement: Judge
    change: Change | None = None
    """Its field is the name of a shared array."""
    smaller: Callable[[Inputs, float], SmallerProbe | None] | None = None
    """As in `Probe`."""

    def request(self) -> Request:
        """The request that makes a worker do this call."""
        change = self.change._asdict() if self.change else None
        fresh = map_arrays(np.asarray, self.fresh)
        return Request("check", {"fields": dict(self.fields), "fresh": fresh, "change": change})

    def judge(self, result: list[np.ndarray] | str) -> CheckResult:
        """Compare the returned result with the expected one; a text says what is wrong with the result's form."""
        return checks.check_result(self.check, self.judgement, result)


class WorkloadInputs:
    """The arrays and check cases that all kernels of a race share."""

    def __init__(self, workload: Workload) -> None:
        """Make the data, its references and the probes. Raises DatasetUnavailable, MemoryError and ValueError."""
        self.workload = workload
        self._timed: dict[tuple[int, int, int], CheckCase] = {}
        self._smaller: dict[float, list[CheckCase | None]] = {}
        made = catalog.inputs(workload)
        probes = workload.definition.probes(made)
        arrays = dict(made.placed)
        self.probes = [_probe_case(probe, arrays) for probe in probes]
        self.digest = digest(*catalog.data(workload))
        self.details = dict(made.details)
        self.shared: Shared = shared_arrays.share_arrays(arrays, resources.available_bytes())
        del made, probes, arrays
        catalog.clear_cache()  # the shared copy replaces it
        self.arrays = shared_arrays.map_arrays(self.shared.descriptor, self.shared.table)
        fields = {field: self.arrays[field] for field in workload.definition.fields}
        self.inputs = Inputs(fields, workload.static, self.details)
        self.form = ResultForm(workload.definition.result(self.inputs), self.inputs.dtype)
        self.data, self.unseen = (
            self._case(name, catalog.fresh(workload, self.inputs, draw))
            for name, draw in (("data", DATA_DRAW), ("unseen", UNSEEN_DRAW))
        )

    def _case(self, check: str, fresh: Fresh, quick: bool = False) -> CheckCase:
        return CheckCase(check, {}, fresh, self.workload.definition.judge(self.inputs, fresh, quick))

    def timed(self, draw: int, seed: int, call: int) -> CheckCase:
        """The check of call number `call` in the round with this draw and seed, within twice the usual bound.

        Kernels that were sampled at the same call share the reference.
        """
        if (draw, seed, call) not in self._timed:
            workload = self.workload
            fresh = fresh_argument(workload.definition, self.inputs, workload.name, draw, call, seed)
            self._timed[draw, seed, call] = self._case("timed", fresh, quick=True)
        return self._timed[draw, seed, call]

    def judge_mirrored(self, seed: int, result: list[np.ndarray] | str) -> CheckResult:
        """Judge the result of a call on the data in the mirror of this seed, as one on the data themselves."""
        definition, rng = self.workload.definition, np.random.default_rng(seed)
        assert definition.mirror, "only an operation with a mirror is asked"
        mirror = definition.mirror(self.inputs, rng)
        start = definition.fresh(self.inputs, rng)
        judge = definition.judge(self.inputs, tuple(mirror.restore(start)), True)
        return checks.check_result("new-data", lambda parts: judge(mirror.restore(parts)), result)

    @cached_property
    def largest_score(self) -> float | None:
        """The largest score of the workload's own data with any fresh arguments; None for an operation without."""
        of_inputs = self.workload.definition.largest_score
        return of_inputs and of_inputs(self.inputs)

    def why_not_raced(self, largest_score: float | None) -> str:
        """Why a kernel that says that it is right up to this score only is not raced; empty if it is."""
        if largest_score is None or self.largest_score is None or self.largest_score <= largest_score:
            return ""
        return f"its scores may reach {self.largest_score:.3g}, and the kernel is right up to {largest_score:g} only"

    def probes_up_to(self, largest_score: float | None) -> tuple[list[CheckCase], list[str]]:
        """The probes for a kernel that is right up to this score (None: for all), and which of them are left out."""
        if largest_score is None:
            return self.probes, []
        if largest_score not in self._smaller:
            self._smaller[largest_score] = [self._up_to(largest_score, case) for case in self.probes]
        smaller = self._smaller[largest_score]
        left_out = [case.check for case, made in zip(self.probes, smaller, strict=True) if made is None]
        return [case for case in smaller if case], left_out

    def _up_to(self, largest_score: float, case: CheckCase) -> CheckCase | None:
        assert case.smaller, "a kernel of an operation without scores cannot declare a largest one"
        arrays = {field: self.arrays[case.fields[field]] for field in self.workload.definition.fields}
        made = case.smaller(Inputs(arrays, self.workload.static), largest_score)
        return made and replace(case, check=made.name, fresh=made.fresh, judgement=made.judge)

    def begin_launch(self) -> None:
        """Forget the references of timed calls."""
        self._timed.clear()

    def place_request(self, is_kernel: bool = True) -> Request:
        """The request that gives a worker the arrays. is_kernel: False for a program that measures a ceiling"""
        matrices = self.workload.work.matrices if self.workload.work else ()
        static = self.workload.static if is_kernel else matrices or None
        arguments = {"name": self.workload.name, "table": self.shared.table, "static": static}
        return Request("place", arguments, self.shared.descriptor)

    def close(self) -> None:
        """Free the memory."""
        self.arrays = {}
        del self.inputs, self.data, self.unseen
        self._timed.clear()
        self._smaller.clear()
        self.shared.close()


def _probe_case(probe: Probe, arrays: dict[str, np.ndarray]) -> CheckCase:
    """The probe, whose arrays are added to those that are shared."""
    names, change = _share(probe.inputs, arrays), probe.change
    change = change._replace(field=names[change.field]) if change else None
    return CheckCase(probe.name, names, probe.fresh, probe.judge, change, probe.smaller)


def _share(inputs: Inputs, arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """Add the probe's arrays to those that are shared, each once. Returns field → the name of the shared array."""
    names = {}
    for field, array in inputs.placed.items():
        known = (name for name, other in arrays.items() if _is_same_memory(array, other))
        names[field] = next(known, f"{field} {len(arrays)}")
        arrays[names[field]] = array
    return names


def _is_same_memory(one: np.ndarray, other: np.ndarray) -> bool:
    return one.__array_interface__ == other.__array_interface__


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

    def inputs_or_failure(self, workload: Workload) -> WorkloadInputs | KernelSamples:
        """The workload's inputs, or the outcome of all kernels without them."""
        try:
            return self.inputs_of(workload)
        except MemoryError:
            return KernelSamples("out-of-memory", f"{workload.name} and its probes do not fit into memory")
        except DatasetUnavailable as unavailable:
            return KernelSamples("skipped", str(unavailable))
        except ValueError as invalid:
            return KernelSamples("wrong", str(invalid))

    def close(self) -> None:
        """Free all memory."""
        for inputs in self._held.values():
            inputs.close()
        self._held.clear()
