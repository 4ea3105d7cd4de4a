"""The comparisons of the self-test as people make them: plain pytest-benchmark, one after another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

from bench.analysis import statistics
from bench.commands.selftest.slowed import SHARE
from bench.host.checkout import CHECKOUT
from bench.worker import environment

_PLAIN, _PLAIN_SLOWED, _PLAIN_SECONDS = 16, 8, 0.25
_THRESHOLD = 0.05
"""By which people call pytest-benchmark's medians different."""


def python(*arguments: str, threads: int, cwd: str | None = None) -> subprocess.CompletedProcess[str]:
    """Python with a worker's settings, on as many cores as threads where the system can pin."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    variables |= environment.settings(threads) | {"PYTHONPATH": str(CHECKOUT)}
    pinned = []
    if shutil.which("taskset"):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        pinned = ["taskset", "-c", ",".join(map(str, cores))]
    command = [*pinned, sys.executable, "-P", *arguments]
    return subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, check=False)


_PLAIN_TEST = """
import numpy as np, pytest
from bench.workloads import catalog
from bench.commands.selftest.slowed import slowed
from kernels import load

kernel = load({kernel!r})
problem = catalog.problem(catalog.named({size!r}), 0)
slow = slowed(kernel)

@pytest.mark.parametrize("which", {which!r})
def test(benchmark, which):
    gradient = slow.gradient if which.startswith("slowed") else kernel.gradient
    benchmark(gradient, problem.X, problem.y, problem.w, problem.b)
"""


def compare(kernel: str, size: str, neighbour: bool, threads: int) -> dict[str, Any]:
    """The same comparison as people make it: each timed by itself, one after another, medians compared."""
    which = [f"same{i}" for i in range(_PLAIN)]
    for i in range(_PLAIN_SLOWED):
        which.insert(3 * i + 2, f"slowed{i}")
    with tempfile.TemporaryDirectory() as folder:
        test, results = Path(folder) / "test_plain.py", Path(folder) / "results.json"
        test.write_text(_PLAIN_TEST.format(kernel=kernel, size=size, which=which))
        options = [f"--benchmark-json={results}", f"--benchmark-max-time={_PLAIN_SECONDS}", "-q"]
        ran = python("-m", "pytest", str(test), f"--rootdir={folder}", *options, threads=threads, cwd=folder)
        if not results.exists():
            raise ValueError(f"plain pytest-benchmark of {kernel} failed: {ran.stdout.strip()[-200:]}")
        timed = json.loads(results.read_text())["benchmarks"]
    medians = {benchmark["params"]["which"]: benchmark["stats"]["median"] for benchmark in timed}
    same = [seconds for name, seconds in medians.items() if name.startswith("same")]
    slow = [seconds for name, seconds in medians.items() if name.startswith("slowed")]
    ratios = [a / b for a, b in permutations(same, 2)]
    return {
        "kernel": kernel,
        "workload": size,
        "neighbour": neighbour,
        "pairs": len(ratios) // 2,
        "false_alarm_rate_5_percent": sum(ratio >= 1 + _THRESHOLD for ratio in ratios) / (len(ratios) / 2),
        "false_alarm_rate_2_percent": sum(ratio >= 1 + statistics.SMALLEST_EFFECT for ratio in ratios)
        / (len(ratios) / 2),
        "slowed_found_5_percent": _share([b / a >= 1 + _THRESHOLD for a in same for b in slow]),
        "slowed_found_2_percent": _share([b / a >= 1 + statistics.SMALLEST_EFFECT for a in same for b in slow]),
        "slowed_by": SHARE,
        "medians_same": same,
        "medians_slowed": slow,
    }


def _share(held: Sequence[bool]) -> float:
    return sum(held) / len(held)
