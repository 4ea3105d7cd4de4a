"""The ratio of two runs, which no round pairs: what a kernel's time changed by, and how sure that is.

Within a run kernels are paired round by round (bench/analysis/statistics.py). Two runs are other processes at another
hour, and between them the machine itself changes: on a shared one, all kernels together were up to a third
slower an hour later. Pure: no clock, no files.

**One machine.** What all kernels of a race share is put down to the machine, and taken away. In every round a
kernel's time stands over its *pace*, the median of the other kernels' times, each over its own usual time; the
median of those logarithms is what a launch says, and the run says their trimmed mean x. The change of a kernel is

    d = x_B − x_A + rest,    se² = e_A² + e_B² + BETWEEN_RUNS² (1 + v)

with the interval d ± t(ν) · se: e is the standard error of a trimmed mean, and two of them with their own spreads
are compared after Yuen (Biometrika 61 (1974) 165-170), which without trimming is Welch's test (Biometrika 34
(1947) 28-35). The degrees of freedom are Satterthwaite's (Biometrics Bulletin 2 (1946) 110-114): ν = se⁴ / (e_A⁴/ν_A
+ e_B⁴/ν_B), where the constant, known beforehand, adds nothing below the line.

`rest` is what of the common shift is too much for drift. The pace varied by s_A and s_B from launch to launch. If
a whole run is no more than one draw of that speed, as when it drifts slowly, two runs differ by less than 1.96
√(s_A² + s_B²) in 19 of 20 cases; only so much is taken away. So where the machine was calm, a change of all
kernels shows, and where it was not, it cannot be told from the machine.

**Two machines.** Nothing is taken away: x is of the times themselves, and s_A² + s_B² is added to se².

A launch's luck is in e. Between two runs there is more: data made anew lies on other pages for the whole run, and
kernels do not follow the machine's speed quite alike. That is BETWEEN_RUNS. The others have it too, and v is what of
it is left in their median: about π/2 / (n + π/2 − 1) for n of them, which is 1 for one and π/(2n) for many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, pi, sqrt
from statistics import fmean, median, variance

from bench.analysis import statistics
from bench.analysis.statistics import Estimate

Launches = Sequence[Sequence[float]]
"""Seconds of a call: launch after launch, round after round. In a race all kernels have the same rounds."""

BETWEEN_RUNS = 0.041
"""The standard deviation of a kernel's change between two runs of one machine, beyond what its launches vary and
all kernels share. By maximum likelihood from the runs 20261122T220719Z-064ff5d, 20261122T221707Z-526a774 and
20261123T005027Z-73b9f1a of amd-epyc-2c-1696babb, and the 36 kernels and workloads that were the same in all three:
0.046 with the others' part in it, and 0.043 to 0.049 from two runs alone; a fifth of its square is the others'. (The
runs are of different commits, so it is rather too large.)"""
_POWER = 1.2816
"""Standard errors beyond its interval's half-width that a difference must have to be shown in 9 of 10 cases."""


@dataclass(frozen=True)
class Change:
    """How many times faster the other run is, and the interval that holds it with 95% confidence."""

    estimate: float
    low: float | None
    high: float | None
    verdict: str
    """faster, slower, no difference shown; the last always where a run has one launch."""
    smallest: float | None
    """The smallest slowdown that two such runs would show in 9 of 10 cases, as a fraction."""


@dataclass(frozen=True)
class CommonShift:
    """What all kernels of a race share between two runs."""

    change: float
    """How many times faster all kernels together were in the other run; the median."""
    limit: float | None
    """Up to this factor, either way, it may be drift; None where a run has one launch."""

    @property
    def format_shift(self) -> str:
        """`1.20× slower`."""
        return f"{self.change:.2f}× faster" if self.change >= 1 else f"{1 / self.change:.2f}× slower"

    @property
    def taken(self) -> float:
        """The logarithm of what is put down to the machine."""
        most = log(self.limit) if self.limit else 0.0
        return min(most, max(-most, log(self.change)))


def pace(reference: Mapping[str, Launches], other: Mapping[str, Launches]) -> CommonShift:
    """What the kernels share. Both runs have the same kernels."""
    usual = _usual(reference, other)
    before, after = (_common(run, usual) for run in (reference, other))
    drift = _variance(before, after)
    limit = None if drift is None else exp(_normal() * sqrt(drift))
    return CommonShift(exp(statistics.trimmed_mean(before) - statistics.trimmed_mean(after)), limit)


def changes(reference: Mapping[str, Launches], other: Mapping[str, Launches], one_machine: bool) -> dict[str, Change]:
    """Kernel → how many times faster the other run is. Both runs have the same kernels.

    On one machine what all share is taken away, if there is another kernel to tell it from.
    """
    usual = _usual(reference, other)
    if one_machine and len(reference) > 1:
        shift = pace(reference, other)
        rest = log(shift.change) - shift.taken
        between = BETWEEN_RUNS**2 * (1 + _variance_of_median(len(reference) - 1))
        return {
            kernel: change(_over_pace(reference, kernel, usual), _over_pace(other, kernel, usual), rest, between)
            for kernel in reference
        }
    drift = _variance(_common(reference, usual), _common(other, usual)) or 0.0
    return {
        kernel: change(_logs(reference[kernel]), _logs(other[kernel]), 0.0, BETWEEN_RUNS**2 + drift)
        for kernel in reference
    }


def change(reference: Sequence[float], other: Sequence[float], rest: float, between: float) -> Change:
    """From what the launches of two runs say (logarithms of seconds) to an interval.

    rest: a logarithm that is added to the estimate; between: the variance that the launches do not show
    """
    middle = statistics.trimmed_mean(reference) - statistics.trimmed_mean(other) + rest
    if min(len(reference), len(other)) < 2:
        return Change(exp(middle), None, None, statistics.verdict(None), None)
    errors = [statistics.standard_error(logs) for logs in (reference, other)]
    freedoms = [statistics.degrees_of_freedom(len(logs)) for logs in (reference, other)]
    squared = sum(error**2 for error in errors) + between
    below = sum(error**4 / free for error, free in zip(errors, freedoms, strict=True))
    half = (statistics.t_quantile(squared**2 / below) if below else _normal()) * sqrt(squared)
    found = Estimate(exp(middle), exp(middle - half), exp(middle + half))
    smallest = max(exp(half + _POWER * sqrt(squared)) - 1, statistics.SMALLEST_EFFECT)
    return Change(found.estimate, found.low, found.high, statistics.verdict(found), smallest)


def _usual(*runs: Mapping[str, Launches]) -> dict[str, float]:
    """Kernel → the logarithm of its time, both runs alike."""
    return {kernel: fmean(statistics.trimmed_mean(_logs(run[kernel])) for run in runs) for kernel in runs[0]}


def _logs(launches: Launches) -> list[float]:
    """Of each launch's median."""
    return [log(median(rounds)) for rounds in launches]


def _common(run: Mapping[str, Launches], usual: Mapping[str, float]) -> list[float]:
    """How much slower than usual the kernels were in each launch; the median of them, as a logarithm."""
    each = ([own - usual[kernel] for own in _logs(launches)] for kernel, launches in run.items())
    return [median(launch) for launch in zip(*each, strict=True)]


def _over_pace(run: Mapping[str, Launches], kernel: str, usual: Mapping[str, float]) -> list[float]:
    """A kernel's time over the pace of the others in the same round; for each launch the median, as a logarithm."""
    others = [(launches, usual[name]) for name, launches in run.items() if name != kernel]
    return [
        median(
            log(own) - median(log(launches[number][place]) - base for launches, base in others)
            for place, own in enumerate(rounds)
        )
        for number, rounds in enumerate(run[kernel])
    ]


def _variance_of_median(numbers: int) -> float:
    """Of so many normal numbers of variance 1: right for one and for many, a fifth too large for two and four."""
    return pi / 2 / (numbers + pi / 2 - 1)


def _variance(before: Sequence[float], after: Sequence[float]) -> float | None:
    """Of the difference of two runs, were each one draw of its launches' pace."""
    return variance(before) + variance(after) if min(len(before), len(after)) > 1 else None


def _normal() -> float:
    return statistics.t_quantile(float("inf"))
