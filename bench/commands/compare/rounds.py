"""The rounds of a race as a comparison needs them: by kernel and launch, and a kernel's time over the others' pace.

A sweep is one round of each kernel that takes part in it. A slow kernel takes part in every 2nd, 4th or 8th sweep
only, which is its period. Pure: it works on a file's content.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import log
from statistics import median, median_low

from bench.analysis.statistics import Rounds
from bench.results.store import Race, Run

Launches = Mapping[int, Rounds]
"""Launch → a kernel's rounds."""
Logs = Mapping[int, float]
"""Launch → the logarithm of a value, such as the median of its rounds."""


def log_median(rounds: Rounds) -> float:
    """The logarithm of the median round."""
    return log(median(rounds.seconds))


def log_medians(launches: Launches) -> Logs:
    """The logarithm of each launch's median."""
    return {number: log_median(rounds) for number, rounds in launches.items()}


def log_over_pace(kernel: Rounds, others: Collection[tuple[Rounds, float]]) -> float:
    """A kernel's time over the pace of the others in one launch, as a logarithm.

    The pace of a block of sweeps is the median of the others' times in it, each over its usual time; the value is the
    median over the blocks. A block has as many sweeps as the longest of the kernel's period and the periods of the
    quicker half of the others. So most of them are in every block, and where all take part in every sweep, a block
    is one sweep. Where the kernel shares no block with another, the medians of the launch are compared.

    others: rounds of the same launch, and the logarithm of the usual time; at least one
    """
    length = max(kernel.period, median_low(other.period for other, _ in others))
    blocks = [(other.logs(length), usual) for other, usual in others]
    values = []
    for block, value in kernel.logs(length).items():
        if pace := [logs[block] - usual for logs, usual in blocks if block in logs]:
            values.append(value - median(pace))
    if values:
        return median(values)
    return log_median(kernel) - median(log_median(other) - usual for other, usual in others)


def of_race(run: Run, race: Race) -> dict[str, Launches]:
    """Kernel or ceiling worker → launch → rounds. Raises ValueError if the kernels' launches differ."""
    by_kernel: dict[str, dict[int, Rounds]] = {}
    for part in race["rounds"]:
        seconds = tuple(part["seconds"])
        by_kernel.setdefault(part["kernel"], {})[part["launch"]] = Rounds(
            seconds, tuple(part.get("sweeps", range(len(seconds))))
        )
    launches = [sorted(by_kernel.get(kernel, {})) for kernel in run.of(race)]
    if any(numbers != launches[0] or not numbers for numbers in launches):
        raise ValueError(
            f"{run.name}: on {race['workload']} the kernels' launches differ; expected rounds of each kernel from "
            "each launch: the file may be incomplete"
        )
    return {kernel: dict(sorted(numbered.items())) for kernel, numbered in by_kernel.items()}
