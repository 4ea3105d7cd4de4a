"""What Linux tells of processes, also of those that end meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.host import procfs

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")


def test_a_family_is_a_process_and_its_descendants() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert {os.getpid(), child.pid} <= set(procfs.family(os.getpid()))
        assert procfs.family(child.pid) == [child.pid]
        child.kill()


def test_a_process_that_has_ended_has_no_descendants() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert procfs.family(child.pid) == [child.pid]
