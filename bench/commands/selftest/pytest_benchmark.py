"""The self-test's comparisons as they are usually made: with plain pytest-benchmark, one kernel after another."""

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

_SAME, _SLOWED, _SECONDS = 16, 8, 0.25
"""Tests of the kernel, tests of the slowed kernel, and the time for each."""
_THRESHOLD = 0.05
"""A difference of pytest-benchmark's medians that is commonly taken for real."""


def python(*arguments: str, threads: int, cwd: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python with a worker's settings, where possible pinned to as many cores as threads."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    variables |= environment.settings(threads) | {"PYTHONPATH": str(CHECKOUT)}
    pin = []
    if shutil.which("taskset"):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        pin = ["taskset", "-c", ",".join(map(str, cores))]
    command = [*pin, sys.executable, "-P", *arguments]
    return subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, check=False)


_TEST = """
import numpy as np, pytest
from bench.workloads import catalog
from bench.commands.selftest.slowed import slowed
from kernels import load

kernel = load({kernel!r})
workload = catalog.named({size!r})
inputs = catalog.inputs(workload)
arguments = (*inputs.placed.values(), *catalog.fresh(workload, inputs, 0))
slow = slowed(kernel)

@pytest.mark.parametrize("which", {which!r})
def test(benchmark, which):
    call = (slow if which.startswith("slowed") else kernel).built(None)
    benchmark(call, *arguments)
"""


def compare(kernel: str, size: str, noisy_neighbour: bool, threads: int) -> dict[str, Any]:
    """Time each kernel by itself, one after another, and compare the medians."""
    which = [f"same{i}" for i in range(_SAME)]
    for i in range(_SLOWED):
        which.insert(3 * i + 2, f"slowed{i}")
    with tempfile.TemporaryDirectory() as folder:
        test, results = Path(folder) / "test_plain.py", Path(folder) / "results.json"
        test.write_text(_TEST.format(kernel=kernel, size=size, which=which))
        options = [f"--benchmark-json={results}", f"--benchmark-max-time={_SECONDS}", "-q"]
        process = python("-m", "pytest", str(test), f"--rootdir={folder}", *options, threads=threads, cwd=folder)
        if not results.exists():
            raise ValueError(f"plain pytest-benchmark of {kernel} failed: {process.stdout.strip()[-200:]}")
        benchmarks = json.loads(results.read_text())["benchmarks"]
    medians = {benchmark["params"]["which"]: benchmark["stats"]["median"] for benchmark in benchmarks}
    same = [seconds for name, seconds in medians.items() if name.startswith("same")]
    slow = [seconds for name, seconds in medians.items() if name.startswith("slowed")]
    ratios = [a / b for a, b in permutations(same, 2)]
    return {
        "kernel": kernel,
        "workload": size,
        "neighbour": noisy_neighbour,
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


def _share(outcomes: Sequence[bool]) -> float:
    return sum(outcomes) / len(outcomes)
