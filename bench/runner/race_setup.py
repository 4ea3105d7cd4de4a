"""What one launch times on one workload, and what earlier launches on it say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.analysis import next_launch
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.runner import settings as run_settings
from bench.runner.calibration import earlier_calibration
from bench.runner.settings import Settings
from bench.workloads.catalog import Workload
from kernels.ceilings import specs as ceilings


@dataclass(frozen=True)
class RaceSetup:
    """What one launch times on one workload."""

    specs: Mapping[str, str]
    """Name in results → spec of the kernel."""
    seconds: float
    """About how long each is timed; 0: check only."""
    calibrations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name → its calibration in an earlier launch."""
    spreads: Mapping[str, float] = field(default_factory=dict)
    """Name → the standard deviation of its rounds in earlier launches, relative to that of the others."""
    control_of: str | None = None
    """The kernel that a second worker runs as control."""
    cold_start: bool = True
    """Whether the first launch measures what compiling with an empty cache takes."""
    skipped: Mapping[str, KernelSamples] = field(default_factory=dict)
    """The kernels that are not timed, and why."""


def race_setup(
    candidates: Sequence[Candidate], workload: Workload, earlier: Sequence[LaunchResult], settings: Settings
) -> RaceSetup:
    """The set-up of the next launch. Kernels that failed in an earlier one are left out."""
    skipped = {
        candidate.name: KernelSamples("skipped", reason)
        for candidate in candidates
        if (reason := run_settings.skip_reason(candidate, workload))
    }
    failed = {name for result in earlier for name, samples in result.samples.items() if samples.outcome != "ok"}
    specs = {one.name: one.spec for one in candidates if one.name not in skipped and one.name not in failed}
    control = next_launch.choose_control(earlier)
    if control in specs:
        specs[CONTROL.format(control)] = specs[control]
    else:
        control = None
    if settings.ceilings and workload.work is not None:
        needed = (name for ceiling in ceilings.of_work(workload.work.ceilings) for name in ceilings.METHODS[ceiling])
        specs |= {name: ceilings.SPECS[name] for name in needed if name not in failed}
    return RaceSetup(
        specs,
        settings.seconds_per_launch,
        earlier_calibration(earlier, candidates),
        next_launch.round_spreads(earlier),
        control,
        settings.cold_start,
        skipped,
    )
