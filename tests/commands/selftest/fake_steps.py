"""Steps that measure nothing, in place of the self-test's, so that its order, its journal and its end can be tested.

python -m tests.commands.selftest.fake_steps COUNT_FILE SECONDS ARGUMENTS...

runs the self-test with them. Each race adds a line to the file, and takes so many seconds.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.__main__ import main
from bench.analysis import statistics
from bench.analysis.statistics import Estimate
from bench.commands.selftest import plan, pytest_benchmark, races, selftest
from bench.commands.selftest.plan import PlannedRaces
from bench.commands.selftest.summary import Trial


def trial(
    estimate: float,
    half: float,
    slow: float | None = None,
    kernel: str = "numpy",
    neighbour: bool = False,
    threads: int = 1,
    counts_all: tuple[str, ...] = (),
) -> Trial:
    """A race with these ratios of the kernel to itself and to the slowed kernel, and intervals of this half-width."""

    def ratio(middle: float) -> dict[str, Any]:
        interval = Estimate(middle, middle / (1 + half), middle * (1 + half))
        return {**asdict(interval), "verdict": statistics.verdict(interval)}

    slowed = ratio(slow) if slow else None
    return Trial(
        kernel, "1000x32-f64", neighbour, 5, 10.0, ratio(estimate), slowed, (0.0, 0.01), (), 0.007, threads, 100, 3,
        counts_all,
    )  # fmt: skip


def compared(kernel: str, size: str, neighbour: bool, threads: int) -> dict[str, Any]:
    """A comparison by plain pytest-benchmark that found nothing."""
    shares = [f"{kind}_{percent}_percent" for kind in ("false_alarm_rate", "slowed_found") for percent in (2, 5)]
    return {"kernel": kernel, "workload": size, "neighbour": neighbour, **dict.fromkeys(shares, 0.0)}


def replacements(count_file: Path, seconds: float = 0.0) -> list[tuple[object, str, Any]]:
    """Module, name and fake for everything that measures."""

    def race(planned: PlannedRaces, _input_cache: object) -> list[Trial]:
        time.sleep(seconds)
        with count_file.open("a") as file:
            file.write(f"{planned.number} {planned.kernel} {planned.threads} {planned.neighbour}\n")
        return [trial(1.0, 0.01, 0.95, planned.kernel, planned.neighbour, planned.threads) for _ in planned.sizes]

    def work(kernel: str, _size: str, _threads: int) -> dict[str, Any]:
        return {"kernel": kernel, "shape": [4, 2], "rows": 1, "iterations": 0, "longer_by": 0.05}

    return [
        (races, "race", race),
        (selftest, "_measure_work", work),
        (selftest, "_compare", lambda *cell: {"threads": cell[-1], **compared(*cell)}),
        (selftest, "catch_cheaters", lambda: {"gradient/lazy": {"outcome": "wrong", "reason": "it", "caught": True}}),
        (pytest_benchmark, "python", None),
        (plan, "_estimated", lambda kind: 10.0 * len(kind.sizes)),
    ]


if __name__ == "__main__":
    for module, name, fake in replacements(Path(sys.argv[1]), float(sys.argv[2])):
        setattr(module, name, fake)
    sys.exit(main(["selftest", *sys.argv[3:]]))
