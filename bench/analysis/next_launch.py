"""What earlier launches say of the next one: its control, and who needs more rounds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log
from statistics import median

from bench.analysis import statistics
from bench.results.samples import LaunchResult
from kernels.ceilings import specs


def round_spreads(launch_results: Iterable[LaunchResult]) -> dict[str, float]:
    """Kernel → the standard deviation of its rounds in the launches, relative to the median kernel's.

    From the median absolute deviation of their logarithms; between a quarter and four times. It knows no estimate.
    """
    deviations: dict[str, list[float]] = {}
    for launch in launch_results:
        for name, sample in launch.samples.items():
            if len(sample.rounds) > 1:
                deviations.setdefault(name, []).append(statistics.deviation([log(s) for s in sample.rounds]))
    spreads = {name: median(of_kernel) for name, of_kernel in deviations.items()}
    usual = median(spreads.values()) if spreads else 0.0
    return {name: min(4.0, max(0.25, spread / usual)) for name, spread in spreads.items()} if usual else {}


def choose_control(launch_results: Sequence[LaunchResult]) -> str | None:
    """The kernel to use as the control: the fastest compiled kernel of the first launch, else the fastest."""
    samples = launch_results[0].samples if launch_results else {}
    timed = {name: sample for name, sample in samples.items() if sample.rounds and name not in specs.SPECS}
    eligible = {name: sample for name, sample in timed.items() if sample.kernel.get("compiles")} or timed
    return min(eligible, key=lambda name: statistics.lower_decile(eligible[name].rounds), default=None)
