"""No process that a worker has started remains: when it is killed or ends, and when the race itself is killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from bench.host.checkout import CHECKOUT
from bench.worker import environment, supervisor
from bench.worker.exit_status import exit_reason
from bench.worker.messages import Request, WorkerFailed
from bench.worker.process import Limits, WorkerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
LEFTOVERS = ("daemon", "spinning", "stopped", "watchdog")
PARENT = """
import time
from tests.worker.test_supervisor import LEFTOVERS, start
workers = start(*LEFTOVERS), start("daemon"), start("daemon", "stop_supervisor")
workers[1].suspend()
print("started", flush=True)
time.sleep(60)
"""


def start(*names: str, memory: int = 2**40) -> WorkerProcess:
    """A worker that has done these functions of tests/support/leftovers.py."""
    variables = environment.of_worker(1, None)
    worker = WorkerProcess(variables, None, Limits(20, memory), service="tests.support.leftovers")
    for name in ("nothing", *names):
        worker.request(Request(name, {}))
    return worker


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A variable that all processes of this test have in their environments; what is left of them is killed."""
    name = f"LOGITBENCH_TEST_{os.getpid()}_{time.monotonic_ns()}"
    monkeypatch.setenv(name, "1")
    yield name
    for process in marked(name):
        with suppress(psutil.Error):
            process.kill()


def marked(name: str) -> list[psutil.Process]:
    """The processes other than this one that have the variable in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if name in process.environ() and process.pid != os.getpid():
                found.append(process)
    return found


def count(name: str, expected: int) -> int:
    """How many processes are marked, once they are as many as expected, or after five seconds."""
    deadline = time.monotonic() + 5
    while (actual := len(marked(name))) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return actual


def test_nothing_remains_of_a_worker_that_is_killed(mark: str) -> None:
    worker = start(*LEFTOVERS)
    assert count(mark, 2 + len(LEFTOVERS) + 1) == 2 + len(LEFTOVERS) + 1
    worker.kill()
    assert marked(mark) == []


@pytest.mark.parametrize(
    ("end", "reason"), [("leave", "it exited with code 3 during leave"), ("abort", "SIGABRT, aborted, during abort")]
)
def test_nothing_remains_of_a_worker_that_ends(end: str, reason: str, mark: str) -> None:
    worker = start("brief", *LEFTOVERS)
    with pytest.raises(WorkerFailed) as failed:
        worker.request(Request(end, {}))
    assert (failed.value.outcome, failed.value.reason) == ("crashed", reason)
    assert marked(mark) == []


def test_nothing_remains_of_a_worker_that_stops_its_supervisor(mark: str) -> None:
    worker = start("daemon", "stop_supervisor")
    began = time.monotonic()
    worker.kill()
    assert marked(mark) == []
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("started", [(), ("daemon",), LEFTOVERS])
def test_a_worker_ends_with_its_supervisor_and_so_does_all_that_it_started(
    started: tuple[str, ...], mark: str
) -> None:
    worker = start(*started)
    with pytest.raises(WorkerFailed) as failed:
        worker.request(Request("kill_supervisor", {}))
    assert failed.value.reason.startswith("SIGKILL, killed, during kill_supervisor")
    assert marked(mark) == []


def test_nothing_remains_of_a_race_that_is_killed(mark: str) -> None:
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        expected = 1 + 3 * 2 + len(LEFTOVERS) + 1 + 2
        assert count(mark, expected) == expected
        parent.kill()
    assert count(mark, 0) == 0


def test_children_of_children_are_killed_at_once_before_they_start_others(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = []
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        (grandchild,) = psutil.Process(child.pid).children()
        with monkeypatch.context() as patch:
            patch.setattr(supervisor, "ENDING_SECONDS", 1e-3)  # once
            patch.setattr(os, "waitpid", lambda *_: (0, 0))
            patch.setattr(os, "kill", lambda pid, _number: killed.append(pid))
            supervisor._kill_descendants()
        grandchild.kill()
    assert {child.pid, grandchild.pid} <= set(killed)


def test_what_is_asked_of_a_worker_is_of_all_its_processes() -> None:
    worker = start("compute_in_a_session")
    try:
        assert worker.cpu_seconds >= 0.19
        assert psutil.Process(worker.pid).cpu_times().user < 0.19
    finally:
        worker.kill()


def test_an_ended_child_has_used_its_processor_time() -> None:
    worker = start("compute_and_end")
    try:
        assert worker.cpu_seconds >= 0.19
    finally:
        worker.kill()


def test_the_memory_of_all_its_processes_counts() -> None:
    """Three children with 100 MiB each, and a limit that none of them reaches; and what they share counts once."""
    with pytest.raises(WorkerFailed) as failed:
        start("hold", "hold", "hold", memory=300 * 2**20)
    assert failed.value.outcome == "out-of-memory"
    assert re.fullmatch(r"it used 0\.[34] GiB, over its limit of 0\.3", failed.value.reason)
    worker = start("share", memory=300 * 2**20)
    try:
        below = psutil.Process(worker.pid).children(recursive=True)
        assert sum(process.memory_info().rss for process in below) > 300 * 2**20
        worker.request(Request("compute", {}))
    finally:
        worker.kill()


def test_what_is_asked_of_a_worker_is_not_of_its_supervisor() -> None:
    worker = start("compute")
    try:
        process = psutil.Process(worker.pid)
        assert process.ppid() != os.getpid()
        assert worker.cpu_seconds >= 0.19
        worker.suspend()
        assert process.status() == psutil.STATUS_STOPPED
        assert psutil.Process(process.ppid()).status() != psutil.STATUS_STOPPED
    finally:
        worker.kill()


def test_a_worker_that_starts_too_slowly_is_a_timeout() -> None:
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(1e-3, 2**40))
    with pytest.raises(WorkerFailed) as failed:
        worker.request(Request("load", {}))
    assert failed.value.outcome == "timeout"


def test_the_reason_for_an_end_by_a_signal_without_a_name() -> None:
    assert exit_reason(-40, "in its first call").startswith("signal 40, ")
