"""A kernel that lets another process compute, in real workers: the race counts the processor time of both."""

from __future__ import annotations

import os
import re

import pytest

from bench.host.checkout import CHECKOUT
from bench.race import race

CORES = CHECKOUT / "tests" / "support" / "cores.py"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no process can be pinned")
def test_a_process_that_helps_a_kernel_is_found_and_an_honest_kernel_passes() -> None:
    raced = race([f"{CORES}:helped", f"{CORES}:alone"], "lecture", launches=1, seconds=0.1, threads=1)
    outcome, reason = raced.outcome("cores:helped")
    assert outcome == "wrong"
    assert re.fullmatch(r"threads: it kept \S+ cores busy, and may use 1 core", reason)
    assert raced.outcome("cores:alone") == ("ok", "")
    (samples,) = raced.samples("cores:alone")
    assert "threads" in [one["check"] for one in samples.check_results]
