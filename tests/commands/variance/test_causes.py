"""A planted neighbour is no descendant and ends with the command, however that ends; other causes leave no trace."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from bench.commands.variance import causes
from bench.commands.variance.causes import CAUSES, FreshInputs
from bench.commands.variance.neighbour import KINDS
from bench.host.checkout import CHECKOUT
from bench.runner.inputs import InputCache
from bench.worker import environment
from bench.workloads import catalog

_PATIENCE_SECONDS = 20.0
_HOLDER = """
import sys, time
from bench.commands.variance.causes import neighbour
with neighbour(sys.argv[1]):
    print("planted", flush=True)
    time.sleep(60)
"""


def neighbours() -> dict[int, psutil.Process]:
    """The neighbours that live, by process id."""
    alive = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if "bench.commands.variance.neighbour" in process.cmdline() and process.status() != "zombie":
                alive[process.pid] = process
    return alive


def wait_until_gone(pid: int) -> bool:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        if pid not in neighbours():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_neighbour_works_is_no_descendant_and_ends_with_its_context(kind: str) -> None:
    before = set(neighbours())
    with causes.neighbour(kind):
        ((pid, process),) = ((pid, one) for pid, one in neighbours().items() if pid not in before)
        assert pid not in {child.pid for child in psutil.Process().children(recursive=True)}
        assert process.ppid() != os.getpid()
        assert os.getsid(pid) != os.getsid(0)
        end = time.monotonic() + _PATIENCE_SECONDS
        while process.cpu_times().user < 0.1 and time.monotonic() < end:
            time.sleep(0.05)
        assert process.cpu_times().user >= 0.1
        if sys.platform == "linux":
            assert (os.sched_getscheduler(pid) == os.SCHED_IDLE) is (kind == "memory")
    assert pid not in neighbours()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_neighbour_ends_when_its_command_is_killed_or_interrupted(number: signal.Signals) -> None:
    before = set(neighbours())
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, "cpu"], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"planted\n"
        (pid,) = set(neighbours()) - before
        holder.send_signal(number)
        holder.wait(_PATIENCE_SECONDS)
        assert wait_until_gone(pid)
    finally:
        holder.kill()
        holder.communicate()


def test_a_neighbour_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(ValueError, match="the neighbour 'cpu' did not start"), causes.neighbour("cpu"):
        pytest.fail("it did not start")


def test_bound_threads_are_in_the_environment_while_they_are_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_PLACES", "sockets")
    monkeypatch.delenv("OMP_PROC_BIND", raising=False)
    with suppress(KeyboardInterrupt), CAUSES["bound"].plant():
        planted = environment.of_worker(1, None)
        raise KeyboardInterrupt
    assert (planted["OMP_PROC_BIND"], planted["OMP_PLACES"]) == ("true", "cores")
    assert os.environ["OMP_PLACES"] == "sockets"
    assert "OMP_PROC_BIND" not in os.environ


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's prctl")
def test_small_pages_hold_for_child_processes_and_end() -> None:
    def disabled() -> tuple[int, str]:
        code = "import ctypes; print(ctypes.CDLL(None).prctl(42, 0, 0, 0, 0))"
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return ctypes.CDLL(None).prctl(42, 0, 0, 0, 0), child.stdout.strip()

    before = disabled()
    with CAUSES["small-pages"].plant():
        assert disabled() == (1, "1")
    assert disabled() == before


def test_new_inputs_lie_in_other_memory_for_each_launch() -> None:
    workload = catalog.named("50x3")
    for cache, fresh in ((InputCache(), False), (FreshInputs(), True)):
        first = cache.inputs_of(workload)
        assert (cache.inputs_of(workload) is first) is not fresh
        cache.close()


def test_causes_are_chosen_by_name_and_compared_with_idle() -> None:
    assert causes.choose(None) == list(CAUSES)
    assert causes.choose("none") == ["idle"]
    assert causes.choose("cold, cpu,cold") == ["idle", "cold", "cpu"]
    with pytest.raises(ValueError, match="no cause is called 'warm'; expected idle, bursts"):
        causes.choose("cold,warm")
    page = (CHECKOUT / "docs" / "variance.md").read_text()
    assert all(f"`{name}`" in page for name in CAUSES)
