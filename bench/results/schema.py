"""The schema of a results file, as types: what a file must have, and which values make sense.

A file may lack what is not required, and have keys that are not here, such as those of a later version.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from bench.results.ranges import Count, Filled, NotNegative, Positive, Size

Scalar = str | int | float | bool | None
"""A value that is only shown."""


class Cache(TypedDict):
    """One level of the machine's data caches."""

    level: Size
    bytes: Size
    shared_by: Count


class _Hardware(TypedDict):
    cpu: str
    cores: Size
    memory_gib: NotNegative


class Gpu(TypedDict):
    """An accelerator."""

    name: str
    memory: str


class Hardware(_Hardware, total=False):
    """The hardware, from which the machine's id is made."""

    architecture: str
    caches: list[Cache]
    gpus: list[Gpu]


class _Software(TypedDict):
    python: str
    environment: dict[str, str]


class Software(_Software, total=False):
    """The software of the machine."""

    os: str
    libraries: dict[str, str]
    blas: dict[str, Scalar] | None
    numba_threading: dict[str, Scalar] | None
    gpu_driver: str | None


class _Machine(TypedDict):
    id: str
    hardware: Hardware
    software: Software


class Machine(_Machine, total=False):
    """The machine's fingerprint."""

    microarchitecture: str | None
    vector_bits: Size | None
    settings: dict[str, Scalar]


class Control(TypedDict):
    """A kernel against itself."""

    kernel: str
    estimate: Positive
    low: Positive
    high: Positive
    trustworthy: bool
    causes: list[str]


class _Rounds(TypedDict):
    kernel: str
    launch: Count
    seconds: Annotated[list[Positive], Filled()]


class Rounds(_Rounds, total=False):
    """The rounds of one kernel in one launch."""

    order: list[Count]
    sweeps: list[Count]
    period: Size
    disturbed_seconds: list[Positive]
    disturbed_sweeps: list[Count]


class Sweeps(TypedDict, total=False):
    """How disturbed the sweeps of one launch were."""

    disturbed: Count
    counts_all: str
    foreign: list[NotNegative]


_Methods = TypedDict("_Methods", {
    "read-sum_seconds": Positive, "read-bits_seconds": Positive,
    "matmul-64_seconds": Positive, "matmul-240_seconds": Positive,
}, total=False)  # fmt: skip


class _Ceiling(TypedDict):
    seconds: Positive


class Ceiling(_Ceiling, _Methods, total=False):
    """Seconds for the work of one call, those of each method where there are several, and the rate."""

    sigmoids_per_second: Positive
    flops_per_second: Positive


class ReadCeiling(Ceiling):
    """The ceiling whose rate is shown."""

    bytes_per_second: Positive


class Ceilings(TypedDict, total=False):
    """The machine's ceilings, for one workload."""

    read: ReadCeiling
    sigmoid: Ceiling
    multiply: Ceiling
    arithmetic: Ceiling
    matmul: Ceiling


class FailedCeiling(TypedDict):
    """A worker that failed to measure a ceiling."""

    name: str
    measures: str
    outcome: str
    reason: str


class Operation(TypedDict, total=False):
    """What a run says of an operation, in words; and the names of its options."""

    summary: str
    figures: dict[str, str]
    texts: dict[str, str]
    options: list[str]


class _Digest(TypedDict):
    size: float


class Digest(_Digest, total=False):
    """The digest of a workload's data: bench/workloads/digest.py."""

    ones: float
    placed: float
    labelled: float


class _Race(TypedDict):
    workload: str
    operation: str
    threads: Size


class Race(_Race, total=False):
    """One workload and number of threads."""

    launches: Count
    details: dict[str, float]
    data: Digest | None
    control: Control | None
    ceilings: Ceilings | None
    ceilings_failed: list[FailedCeiling]
    worker_environment: dict[str, str]
    noise: list[dict[str, float | None]]
    seconds: list[dict[str, NotNegative]]
    sweeps: list[Sweeps]
    rounds: list[Rounds]


class _Budget(TypedDict):
    start_seconds: NotNegative
    rounds_seconds: NotNegative
    rest_seconds: float


class Budget(_Budget, total=False):
    """What the run's wall time was spent on, in seconds."""

    cold_seconds: NotNegative


class _Run(TypedDict):
    began: str


class Run(_Run, total=False):
    """How the run was made; its other keys are only shown."""

    commit: str
    profile: str
    seconds: NotNegative
    seconds_per_kernel: NotNegative
    launches: Count
    threads: list[Size]
    statistic: str
    """Of a launch's rounds, such as `lower decile`; the median in files without it."""
    timeout_seconds: NotNegative
    budget: Budget


class Pool(TypedDict):
    """A pool of threads in a worker."""

    library: str
    threads: Count | None


class _Counters(TypedDict):
    cores_used: NotNegative
    over_used: bool


class Counters(_Counters, total=False):
    """The counters of a kernel's worker."""

    threads: NotNegative | None
    busy_threads: Count | None
    pools: list[Pool] | None
    page_faults_per_call: NotNegative | None
    switches_per_round: NotNegative | None
    spin_seconds: list[NotNegative] | None
    compiled_again: Count | None
    huge_pages: bool | None
    peak_bytes: NotNegative | None
    placed_bytes: NotNegative | None
    call_bytes: NotNegative | None


class File(TypedDict):
    """The `logitbench` key. The records are validated separately, as dataclasses."""

    machine: Machine
    run: Run
    operations: dict[str, Operation]
    races: list[Race]
    records: list[dict[str, Any]]
