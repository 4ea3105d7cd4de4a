"""The rounds of a race as a comparison needs them: by kernel and launch, and each launch's value.

Pure: it works on a file's content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

from bench.analysis.statistics import lower_decile
from bench.results.store import Race, Run

Launches = Mapping[int, Sequence[float]]
"""Launch → a kernel's rounds, in seconds."""
Logs = Mapping[int, float]
"""Launch → the logarithm of its value, such as the lower decile of its rounds."""


def values(launches: Launches) -> Logs:
    """The logarithm of the lower decile of each launch."""
    return {number: log(lower_decile(rounds)) for number, rounds in launches.items()}


def of_race(run: Run, race: Race) -> dict[str, Launches]:
    """Kernel or ceiling worker → launch → rounds. Raises ValueError if the kernels' launches differ."""
    by_kernel: dict[str, dict[int, Sequence[float]]] = {}
    for part in race["rounds"]:
        by_kernel.setdefault(part["kernel"], {})[part["launch"]] = part["seconds"]
    launches = [sorted(by_kernel.get(kernel, {})) for kernel in run.of(race)]
    if any(numbers != launches[0] or not numbers for numbers in launches):
        raise ValueError(
            f"{run.name}: on {race['workload']} the kernels' launches differ; expected rounds of each kernel from "
            "each launch: the file may be incomplete"
        )
    return {kernel: dict(sorted(numbered.items())) for kernel, numbered in by_kernel.items()}
