"""The ratio of two runs: how much a kernel's time changed, and the interval of that change. Pure: no clock, no files.

Within a run, kernels are timed in turn (bench/analysis/statistics.py). Two runs have no rounds in common: they are
other processes at another hour, and the machine itself changes in between. On a shared machine, all kernels together
were up to a third slower an hour later.

**One machine.** The change that all kernels of a race share is attributed to the machine and removed. In each launch
a kernel's time is divided by its *pace*: the median of the other kernels' times, each relative to its usual time. The
logarithm is the value of the launch, and the trimmed mean x of the launches is the value of the run. The change of a
kernel is

    d = x_B − x_A + rest,    se² = e_A² + e_B² + BETWEEN_RUNS² (1 + v)

with the interval d ± t(ν) · se. e is the standard error of a trimmed mean. Two trimmed means with different variances
are compared as by Yuen (Biometrika 61 (1974) 165-170); without trimming it is Welch's test (Biometrika 34 (1947)
28-35). The degrees of freedom are Satterthwaite's (Biometrics Bulletin 2 (1946) 110-114): ν = se⁴ / (e_A⁴/ν_A +
e_B⁴/ν_B). BETWEEN_RUNS is a known constant, so it adds nothing to the denominator. SciPy's `ttest_ind(trim=...)` has
no place for such a constant, and its standard error (Yuen's) is 3.5% larger at 7 launches.

`rest` is the part of the common shift that is too large to be drift. The pace varied by s_A and s_B from launch to
launch. If a whole run is one draw of that pace, as when it drifts slowly, two runs differ by less than 1.96
√(s_A² + s_B²) in 19 of 20 cases; only so much is removed. So a change of all kernels shows on a quiet machine, and
cannot be distinguished from drift on a noisy one.

**Two machines.** Nothing is removed: x is of the times themselves, and s_A² + s_B² is added to se².

e includes the variation from launch to launch. Two runs differ by more: new data lie on other pages for the whole
run, and kernels do not follow the machine's pace equally. That is BETWEEN_RUNS. The other kernels vary in the same
way, and v is the variance that remains in their median: about π/2 / (n + π/2 − 1) for n kernels, which is 1 for one
kernel and π/(2n) for many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, pi, sqrt
from statistics import fmean, median, variance

from bench.analysis import statistics
from bench.analysis.statistics import Estimate
from bench.commands.compare.rounds import Launches, values

BETWEEN_RUNS = 0.041
"""The standard deviation of a kernel's change between two runs of one machine, without the variation of its launches
and without what all kernels share. By maximum likelihood from the runs 20261122T220719Z-064ff5d,
20261122T221707Z-526a774 and 20261123T005027Z-73b9f1a of amd-epyc-2c-1696babb, and the 36 kernels and workloads that
were the same in all three: 0.046 including the part of the other kernels (a fifth of its square), and 0.043 to 0.049
from two runs alone. The runs are of different commits, so it is too large rather than too small. `python -m bench
compare --drift FILES` estimates it from several runs of one commit."""
POWER = 1.2816
"""A difference is shown in 9 of 10 cases if it exceeds the interval's half-width by this many standard errors."""


@dataclass(frozen=True)
class Change:
    """How many times as fast the other run is, with the 95% interval."""

    estimate: float
    low: float | None
    high: float | None
    verdict: str
    """faster, slower or no difference shown; always the last if a run has one launch."""
    smallest: float | None
    """The smallest slowdown that these two runs would show in 9 of 10 cases, as a fraction."""
    error: float | None = None
    """The standard error of the estimate's logarithm."""
    degrees: float = inf
    """Its degrees of freedom."""


@dataclass(frozen=True)
class CommonShift:
    """The change that all kernels of a race share between two runs."""

    change: float
    """How many times as fast the kernels were in the other run: their median."""
    largest_drift: float | None
    """A change up to this factor, in either direction, may be drift; None if a run has one launch."""

    @property
    def format_shift(self) -> str:
        """`1.20× slower`."""
        return f"{self.change:.2f}× faster" if self.change >= 1 else f"{1 / self.change:.2f}× slower"

    @property
    def drift(self) -> float:
        """The part of the change that is attributed to the machine, as a logarithm."""
        largest = log(self.largest_drift) if self.largest_drift else 0.0
        return min(largest, max(-largest, log(self.change)))


def common_shift(reference: Mapping[str, Launches], other: Mapping[str, Launches]) -> CommonShift:
    """The change that the kernels share. Both runs have the same kernels."""
    usual = usual_times(reference, other)
    before, after = (_paces(run, usual) for run in (reference, other))
    drift_variance = _drift_variance(before, after)
    largest = None if drift_variance is None else exp(statistics.t_quantile(inf) * sqrt(drift_variance))
    return CommonShift(exp(statistics.trimmed_mean(before) - statistics.trimmed_mean(after)), largest)


def changes(reference: Mapping[str, Launches], other: Mapping[str, Launches], one_machine: bool) -> dict[str, Change]:
    """Kernel → how many times as fast the other run is. Both runs have the same kernels.

    On one machine the drift in the common shift is removed, if there is more than one kernel.
    """
    usual = usual_times(reference, other)
    if one_machine and len(reference) > 1:
        shift = common_shift(reference, other)
        rest = log(shift.change) - shift.drift
        between = BETWEEN_RUNS**2 * (1 + variance_of_median(len(reference) - 1))
        return {
            kernel: change(over_pace(reference, kernel, usual), over_pace(other, kernel, usual), rest, between)
            for kernel in reference
        }
    between = BETWEEN_RUNS**2 + (_drift_variance(_paces(reference, usual), _paces(other, usual)) or 0.0)
    return {kernel: change(_values(reference[kernel]), _values(other[kernel]), 0.0, between) for kernel in reference}


def change(reference: Sequence[float], other: Sequence[float], rest: float, between: float) -> Change:
    """The change and its interval, from the launches' values in two runs (logarithms of seconds).

    rest: a logarithm that is added to the estimate; between: the known variance that the launches do not include
    """
    difference = statistics.trimmed_mean(reference) - statistics.trimmed_mean(other) + rest
    if min(len(reference), len(other)) < 2:
        return without_interval(difference)
    parts = [(statistics.standard_error(logs) ** 2, len(logs)) for logs in (reference, other)]
    return from_variances(difference, parts, between)


def without_interval(difference: float) -> Change:
    """The change of which only the estimate is known, as a logarithm."""
    return Change(exp(difference), None, None, statistics.verdict(None), None)


def from_variances(difference: float, estimated: Sequence[tuple[float, int]], known: float) -> Change:
    """The change with the interval of Welch and Satterthwaite.

    difference: a logarithm; estimated: variances, each with the number of launches that it was estimated from;
    known: a variance that is a constant
    """
    variance_of_all = sum(part for part, _ in estimated) + known
    denominator = sum(part**2 / statistics.degrees_of_freedom(launches) for part, launches in estimated)
    degrees = variance_of_all**2 / denominator if denominator else inf
    error = sqrt(variance_of_all)
    half = statistics.t_quantile(degrees) * error
    ratio = Estimate(exp(difference), exp(difference - half), exp(difference + half))
    smallest = max(exp(half + POWER * error) - 1, statistics.SMALLEST_EFFECT)
    return Change(ratio.estimate, ratio.low, ratio.high, statistics.verdict(ratio), smallest, error, degrees)


def usual_times(*runs: Mapping[str, Launches]) -> dict[str, float]:
    """Kernel → the logarithm of its usual time: the mean of the runs' trimmed means."""
    return {kernel: fmean(_center(run[kernel]) for run in runs) for kernel in runs[0]}


def _center(launches: Launches) -> float:
    return statistics.trimmed_mean(_values(launches))


def _values(launches: Launches) -> list[float]:
    return list(values(launches).values())


def over_pace(run: Mapping[str, Launches], kernel: str, usual: Mapping[str, float]) -> list[float]:
    """A kernel's time over the pace of the others in each launch, as a logarithm."""
    others = [(values(launches), usual[name]) for name, launches in run.items() if name != kernel]
    return [
        value - median(logs[number] - base for logs, base in others if number in logs)
        for number, value in values(run[kernel]).items()
    ]


def _paces(run: Mapping[str, Launches], usual: Mapping[str, float]) -> list[float]:
    """How much slower than usual the kernels were in each launch: their median, as a logarithm."""
    deviations = ([value - usual[kernel] for value in _values(launches)] for kernel, launches in run.items())
    return [median(launch) for launch in zip(*deviations, strict=True)]


def variance_of_median(count: int) -> float:
    """Of this many normal numbers of variance 1: exact for 1 and for many, a fifth too large for 2 and 4."""
    return pi / 2 / (count + pi / 2 - 1)


def _drift_variance(before: Sequence[float], after: Sequence[float]) -> float | None:
    """The variance of the difference of two runs, if each were one draw of its launches' pace."""
    return variance(before) + variance(after) if min(len(before), len(after)) > 1 else None
