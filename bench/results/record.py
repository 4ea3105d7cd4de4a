"""The records of a results file: one for each kernel, workload and number of threads, whatever the outcome.

docs/record.md explains every key. Reading a results file needs nothing that measures, so reports and comparisons
are tested with records written by hand.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from typing import Any

from bench.host.sanitize import strip_all_paths
from bench.results.ranges import Count, NotNegative, Positive, Size

SCHEMA = 3


@dataclass(frozen=True)
class Seconds:
    """Time of one call: the mean of the launches' values, and its 95% interval (None if there was one launch)."""

    estimate: Positive
    low: Positive | None
    high: Positive | None


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the baseline, with the 95% interval (None if there was one launch)."""

    estimate: Positive
    low: Positive | None
    high: Positive | None
    baseline: str
    verdict: str = ""
    """faster, slower, no difference shown; empty for the baseline itself."""
    launches: Count = 0
    launches_needed: Count | None = None
    """How many launches would narrow the interval to ±2%; None if it is that narrow, or if this is unknown."""


@dataclass(frozen=True)
class Cold:
    """Steps before the steady state, in seconds. None for a step that did not happen."""

    import_seconds: NotNegative | None = None
    placement_seconds: NotNegative | None = None
    build_seconds: NotNegative | None = None
    lower_seconds: NotNegative | None = None
    compile_seconds: NotNegative | None = None
    compile_cached_seconds: NotNegative | None = None
    first_call_seconds: NotNegative | None = None


@dataclass(frozen=True)
class Error:
    """The largest error on the workload's own data: over the a-priori bound, and by the operation's figures."""

    bound_fraction: float | None = None
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def max_ulps(self) -> float | None:
        """The figure `ulps`, where the operation has it."""
        return self.figures.get("ulps")


@dataclass(frozen=True)
class Fraction:
    """The share of a ceiling that a kernel reaches: the ceiling's time / the kernel's, with the 95% interval."""

    name: str
    """Which ceiling, by its name in kernels/ceilings/specs.py."""
    fraction: Positive
    low: Positive | None
    high: Positive | None


@dataclass(frozen=True)
class Control:
    """A kernel's ratio over itself in the same race, which is 1 if the race can be trusted."""

    kernel: str
    estimate: float
    low: float
    high: float
    trustworthy: bool
    causes: tuple[str, ...] = ()
    """If it is not: what may explain it, and what to do."""


@dataclass(frozen=True)
class Record:
    """The results of one kernel on one workload with one number of threads."""

    id: str
    operation: str
    kernel: str
    backend: str | None
    device: str | None
    workload: str
    m: Size
    n: Size
    dtype: str
    order: str
    threads: Size
    outcome: str
    reason: str = ""
    output_tail: str = ""
    selected: bool = True
    passes: NotNegative | None = None
    of: str = ""
    largest_score: NotNegative | None = None
    """Up to which the kernel says that it is right; None: for all."""
    left_out: list[str] = field(default_factory=list)
    """The probes that it was not asked, for that reason."""
    reached: bool = True
    error: Error | None = None
    curves: dict[str, list[float]] = field(default_factory=dict)
    cold: Cold = Cold()
    break_even: dict[str, Count | None] | None = None
    steady: bool | None = None
    launches: Count = 0
    rounds: Count = 0
    iterations: Count = 0
    outliers: Count = 0
    disturbed_rounds: Count = 0
    """Rounds of disturbed sweeps, which do not count."""
    seconds: Seconds | None = None
    speedup: Ratio | None = None
    over_numpy: Ratio | None = None
    seconds_with_disturbed: Seconds | None = None
    """What the time would be if they counted; None where there are none."""
    speedup_with_disturbed: Ratio | None = None
    launch_spread: NotNegative | None = None
    counters: dict[str, Any] | None = None
    work: dict[str, Positive] | None = None
    bytes_per_call: Count = 0
    gigabytes_per_second: Positive | None = None
    ceiling: Fraction | None = None
    level: str | None = None


@dataclass(frozen=True)
class Results:
    """The `logitbench` key of a results file."""

    run: dict[str, Any]
    machine: dict[str, Any]
    races: tuple[dict[str, Any], ...]
    records: tuple[Record, ...]
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Operation → its description (bench/results/describe.py)."""
    schema: int = SCHEMA

    def as_json(self) -> dict[str, Any]:
        """Dicts, lists and numbers, without the records' fields that have their default value.

        The paths of this machine are removed from all texts.
        """
        plain = asdict(self) | {"records": [_without_defaults(record) for record in self.records]}
        order = ("schema", "run", "machine", "operations", "races", "records")
        return {key: strip_all_paths(plain[key]) for key in order}


def _without_defaults(part: Any) -> dict[str, Any]:
    """A record or a part of one as a dict, without the fields that have their default value."""
    kept = {}
    for one in fields(part):
        value = getattr(part, one.name)
        default = one.default if one.default_factory is MISSING else one.default_factory()
        if value != default:
            kept[one.name] = _without_defaults(value) if is_dataclass(value) else value
    return kept


def extra_info(record: Record) -> dict[str, str | float | None]:
    """A record's id and main numbers, for pytest-benchmark's `extra_info`."""
    return {
        "record": record.id,
        "outcome": record.outcome,
        "max_ulps": record.error.max_ulps if record.error else None,
        "speedup": record.speedup.estimate if record.speedup else None,
        "baseline": record.speedup.baseline if record.speedup else None,
        "gigabytes_per_second": record.gigabytes_per_second,
        "first_call_seconds": record.cold.first_call_seconds,
    }
