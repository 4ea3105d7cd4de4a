"""How many sweeps a launch has, and which of them each kernel takes part in. Pure.

The time of a launch is shared so that ratios get about equally narrow. The variance of a kernel's lower decile falls
with its number of rounds r, and a round costs c seconds: Σ σ²/r is least for r ∝ σ/√c (Neyman, J. R. Stat. Soc. 97
(1934) 558-606). Every pair of kernels is a ratio, and those over the baseline count twice, so the baseline's variance
counts twice. A kernel takes part in every sweep, or in one of 2, 4 or 8, evenly over the launch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, log2, sqrt
from random import Random

from bench.analysis.statistics import CHOSEN_ROUNDS
from bench.runner.kernel_run import KernelRun

FEWEST_ROUNDS = CHOSEN_ROUNDS
"""Of a kernel in one launch: with up to 6 the lower decile is the fastest round; of 12 normal numbers it has a
standard error of 0.45 σ."""
FEWEST_LONG_ROUNDS, _LONG_ROUNDS_SECONDS = 3, 2.0
"""Of a kernel whose rounds take so long: as many as fit into the seconds. Twelve of a solver that takes 4 s would be
most of a minute in each launch."""
FEWEST_CEILING_ROUNDS = 6
LONGEST_PERIOD = 8
_CEILING_WEIGHT = 0.5
"""Of a ceiling's standard deviation: two workers read, and the faster one counts; the others seldom do."""


@dataclass(frozen=True)
class Share:
    """What decides how many rounds a kernel gets."""

    seconds: float
    """Of a round with all that comes before it."""
    spread: float = 1.0
    """The standard deviation of its rounds, relative to that of other kernels."""
    counts: int = 1
    """How often its variance counts."""
    is_kernel: bool = True
    """False for a ceiling."""

    @property
    def weight(self) -> float:
        """A number proportional to how many rounds it should get."""
        return self.spread * sqrt(self.counts / self.seconds) * (1.0 if self.is_kernel else _CEILING_WEIGHT)

    @property
    def fewest(self) -> int:
        """The least rounds."""
        if not self.is_kernel:
            return FEWEST_CEILING_ROUNDS
        return max(FEWEST_LONG_ROUNDS, min(FEWEST_ROUNDS, int(_LONG_ROUNDS_SECONDS / self.seconds)))


@dataclass(frozen=True)
class Plan:
    """The sweeps of a launch."""

    sweeps: int
    periods: Mapping[str, int]
    """Kernel → it takes part in every so manieth sweep."""
    offsets: Mapping[str, int]
    """Kernel → the first of them: random, so that no kernel is always timed at the beginning of a block."""
    seconds: float
    """What it takes."""

    def taking_part(self, sweep: int) -> list[str]:
        """The kernels of a sweep."""
        return [name for name, period in self.periods.items() if sweep % period == self.offsets[name]]


def plan_launch(
    kernel_runs: Mapping[str, KernelRun], baseline: str, seconds: float, spreads: Mapping[str, float], rng: Random
) -> Plan:
    """The plan of a launch that times each kernel for about so many seconds; each kernel's samples get its period.

    spreads: kernel → the standard deviation of its rounds in earlier launches, relative to that of the others
    """
    shares = {
        name: Share(
            kernel_run.round_seconds,
            spreads.get(name, 1.0),
            2 if name == baseline else 1,
            kernel_run.is_kernel,
        )
        for name, kernel_run in kernel_runs.items()
    }
    planned = plan(shares, seconds * len(shares), rng)
    for name, kernel_run in kernel_runs.items():
        kernel_run.samples = replace(kernel_run.samples, period=planned.periods[name])
    return planned


def plan(shares: Mapping[str, Share], seconds: float, rng: Random) -> Plan:
    """The plan that takes about so many seconds, with at least the fewest rounds of each kernel."""
    if not shares:
        return Plan(0, {}, {}, 0.0)
    most = max(share.weight for share in shares.values())
    periods = {name: _power_of_two(most / share.weight) for name, share in shares.items()}
    fewest = max(share.fewest for share in shares.values())
    too_few: list[str] | None = None
    while too_few != []:
        periods |= {name: periods[name] // 2 for name in too_few or ()}
        one_sweep = sum(share.seconds / periods[name] for name, share in shares.items())
        sweeps = max(fewest, round(seconds / one_sweep))
        too_few = [name for name in periods if periods[name] > 1 and sweeps // periods[name] < shares[name].fewest]
    longest = max(periods.values())
    sweeps = longest * ceil(sweeps / longest)  # whole blocks
    offsets = {name: rng.randrange(period) for name, period in periods.items()}
    return Plan(sweeps, periods, offsets, sweeps * one_sweep)


def _power_of_two(ratio: float) -> int:
    return int(min(LONGEST_PERIOD, 2 ** max(0, round(log2(ratio)))))
