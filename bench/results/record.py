"""The result records: one for each kernel × workload, whatever its outcome; and their file.

What each key means is in docs/record.md. Reading needs only this file and a JSON parser, so reports and
comparisons are tested on records written by hand.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.host.sanitize import all_without_folders

SCHEMA = 1


@dataclass(frozen=True)
class Seconds:
    """Of one call: the launches' medians, averaged, and the 95% interval across launches (None for one)."""

    median: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Ratio:
    """How many times faster than the baseline, with its 95% interval (None where there was one launch)."""

    estimate: float
    low: float | None
    high: float | None
    baseline: str
    verdict: str = ""
    """faster, slower, no difference shown; empty for the baseline itself."""
    launches: int = 0
    launches_needed: int | None = None
    """How many would bring the interval to ±2%; None where it is there, or that cannot be told."""


@dataclass(frozen=True)
class Cold:
    """What comes before the steady state, in seconds. None where it did not happen."""

    import_seconds: float | None = None
    placement_seconds: float | None = None
    lower_seconds: float | None = None
    compile_seconds: float | None = None
    compile_cached_seconds: float | None = None
    first_call_seconds: float | None = None


@dataclass(frozen=True)
class Error:
    """On the workload's own data: in ulps, and as a fraction of the a-priori bound."""

    max_ulps: float
    bound_fraction: float


@dataclass(frozen=True)
class Fraction:
    """How near a kernel comes to what the machine can do: the limit's time over its own, with the 95% interval."""

    name: str
    """What the limit is: read, sigmoid or multiply."""
    fraction: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Control:
    """A kernel against itself, in the same race: how far the race can be trusted."""

    kernel: str
    estimate: float
    low: float
    high: float
    trustworthy: bool
    causes: tuple[str, ...] = ()
    """Where it is not: what was seen that may explain it, and what to do."""


@dataclass(frozen=True)
class Record:
    """What one kernel did on one workload on one machine."""

    id: str
    operation: str
    kernel: str
    backend: str | None
    device: str | None
    workload: str
    m: int
    n: int
    dtype: str
    order: str
    threads: int
    outcome: str
    reason: str = ""
    printed: str = ""
    selected: bool = True
    passes: float | None = None
    error: Error | None = None
    cold: Cold = Cold()
    break_even: dict[str, int | None] | None = None
    steady: bool | None = None
    launches: int = 0
    rounds: int = 0
    iterations: int = 0
    outliers: int = 0
    seconds: Seconds | None = None
    speedup: Ratio | None = None
    over_numpy: Ratio | None = None
    launch_spread: float | None = None
    seen: dict[str, Any] | None = None
    bytes_per_call: int = 0
    gigabytes_per_second: float | None = None
    ceiling: Fraction | None = None
    level: str | None = None


@dataclass(frozen=True)
class Results:
    """The `logitbench` key of a results file."""

    run: dict[str, Any]
    machine: dict[str, Any]
    races: tuple[dict[str, Any], ...]
    records: tuple[Record, ...]
    schema: int = SCHEMA

    def as_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, and no folder of this machine in any text."""
        plain: dict[str, Any] = all_without_folders(asdict(self))
        return plain


def extra_info(record: Record) -> dict[str, str | float | None]:
    """A record's id and chief numbers, for pytest-benchmark's `extra_info`."""
    return {
        "record": record.id,
        "outcome": record.outcome,
        "max_ulps": record.error.max_ulps if record.error else None,
        "speedup": record.speedup.estimate if record.speedup else None,
        "baseline": record.speedup.baseline if record.speedup else None,
        "gigabytes_per_second": record.gigabytes_per_second,
        "first_call_seconds": record.cold.first_call_seconds,
    }
