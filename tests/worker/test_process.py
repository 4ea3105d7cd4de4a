"""Real workers: whatever one does is its outcome, the others are measured, and none stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.analysis.race import Race
from bench.host.checkout import CHECKOUT
from bench.race import race
from bench.results.samples import Candidate
from bench.runner.session import Session
from bench.runner.settings import Settings
from bench.worker import environment
from bench.worker.messages import Request, WorkerFailed
from bench.worker.process import Limits, WorkerProcess
from bench.workloads import catalog

FAULTS = CHECKOUT / "tests" / "support" / "faults.py"

OUTCOMES = {
    "segfault": ("crashed", "SIGSEGV, segmentation fault, in its first call"),
    "abort": ("crashed", "SIGABRT, aborted, in its first call"),
    "exits": ("crashed", "it exited with code 0 in its first call"),
    "loops_in_c": ("timeout", "no end after 5 s, in its first call"),
    "sleeps": ("timeout", "no end after 5 s, in its first call"),
    "allocates": ("out-of-memory", "it asked for more memory than there is for it"),
    "raises": ("raised", "RuntimeError: no luck"),
    "nan": ("wrong", "data: cost is nan"),
    "shouts": ("ok", ""),
    "closes": ("crashed", "in its first call"),
    "stops": ("crashed", "it stopped itself (SIGSTOP) in its first call"),
    "hangs_up": ("crashed", "it closed its connection in its first call"),
    "garbles": ("crashed", "it sent a frame that is no JSON in its first call"),
    "forks": ("ok", ""),
    "fails_later": ("crashed", "SIGSEGV, segmentation fault, "),
}


def workers() -> set[int]:
    """The workers of this process, and what they have started."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture(scope="module")
def faulty() -> Race:
    kernels = [f"{FAULTS}:{name}" for name in OUTCOMES]
    return race([*kernels, "numpy"], "lecture", launches=2, seconds=0.2, timeout=5)


@pytest.mark.usefixtures("faulty")
def test_none_stays_behind() -> None:
    assert workers() == set()
    ours = {"bench.worker.bootstrap", str(os.getpid())}  # in the command line of what a worker forked, too
    assert [p for p in psutil.process_iter(["cmdline"]) if ours <= set(p.info["cmdline"] or ())] == []


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_outcome_of_a_fault(name: str, faulty: Race) -> None:
    outcome, reason = OUTCOMES[name]
    found = faulty.outcome(f"faults:{name}")
    assert found[0] == outcome
    assert reason in found[1]
    assert bool(faulty.rounds(f"faults:{name}")) is (outcome == "ok")


def test_the_others_are_measured(faulty: Race) -> None:
    numpy = next(record for record in faulty.records if record.kernel == "numpy")
    assert (numpy.outcome, numpy.launches) == ("ok", 2)
    assert faulty.ratio("numpy", over="faults:shouts") is not None


def test_what_it_prints_is_drained_and_its_end_kept(faulty: Race) -> None:
    shouts = next(record for record in faulty.records if record.kernel == "faults:shouts")
    assert shouts.printed.endswith("xxx")
    assert shouts.printed.startswith("[99999500 bytes before this] xxx")


def test_what_was_left_out_runs_when_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_LONGEST_CALL_SECONDS", 1e-3)
    large = catalog.named("300x2")
    assert list(large.left_out) == ["loops-examples"]
    session = Session([Candidate("loops-examples")], [large], Settings(seconds=0))
    session.choose([(large.name, "loops-examples")], baselines=False)
    session.run()
    assert session.races[0].outcome("loops-examples") == ("skipped", large.left_out["loops-examples"])
    assert race(["loops-examples"], large, seconds=0).outcome("loops-examples") == ("ok", "")


def test_a_worker_that_failed_is_started_anew_for_the_next_workload() -> None:
    small = [catalog.named(name) for name in ("lecture", "20x3")]
    session = Session([Candidate(f"{FAULTS}:aborts_on_lecture")], small, Settings(seconds=0))
    session.choose([(workload.name, "faults:aborts_on_lecture") for workload in small], baselines=False)
    session.run()
    assert [one.outcome("faults:aborts_on_lecture")[0] for one in session.races] == ["crashed", "ok"]


def test_an_interruption_keeps_what_was_finished_and_ends_the_workers() -> None:
    session = Session([Candidate("numpy")], [catalog.named("lecture")], Settings(0.2, launches=3))
    session.choose([("lecture", "numpy")], baselines=False)

    def interrupt(doing: str, _share: float) -> None:
        if doing.startswith("launch 3"):
            raise KeyboardInterrupt

    before = workers()
    with pytest.raises(KeyboardInterrupt):
        session.run(interrupt)
    assert [block.launch for block in session.blocks] == [0, 1]
    assert workers() <= before
    assert session.record("lecture", "numpy", session.counts[0]).launches == 2


def test_stop_ends_the_run_after_a_block() -> None:
    session = Session([Candidate("numpy")], [catalog.named("lecture")], Settings(0.1, launches=3))
    session.choose([("lecture", "numpy")], baselines=False)
    session.run(stop=lambda _block: True)
    assert len(session.blocks) == 1


def test_too_much_memory_is_seen_from_outside() -> None:
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(20, 50 * 2**20))
    with pytest.raises(WorkerFailed) as ended:
        worker.request(Request("load", {"spec": "jax", "data_limit": None}))
    worker.kill()
    assert ended.value.outcome == "out-of-memory"
    assert "over its limit of 0.0" in ended.value.reason


def test_suspended_means_stopped() -> None:
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(20, 2**40))
    try:
        worker.request(Request("load", {"spec": "numpy", "data_limit": None}))
        (child,) = [
            psutil.Process(pid) for pid in workers() if "bench.worker.bootstrap" in psutil.Process(pid).cmdline()
        ]
        worker.suspend()
        assert child.status() == psutil.STATUS_STOPPED
        worker.resume()
        worker.request(Request("load", {"spec": "numpy", "data_limit": None}))
    finally:
        worker.kill()
    assert not child.is_running()


PARENT = """
import sys, time
from bench.worker import environment
from bench.worker.process import WorkerProcess, Limits, Request
workers = [WorkerProcess(environment.of_worker(1, None), None, Limits(60, 2**40)) for _ in range(2)]
for worker in workers:
    worker.request(Request("load", {"spec": "numpy", "data_limit": None}))
workers[0].suspend()
print(*[worker._popen.pid for worker in workers], flush=True)
time.sleep(60)
"""


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=variables, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    until = time.monotonic() + 5
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    parent.stdout.close()
