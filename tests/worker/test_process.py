"""Real worker processes: each failure is one kernel's outcome, the others are measured, and no process remains."""

from __future__ import annotations

import os
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
    "loops_in_c": ("timeout", "not finished after 5 s, in its first call"),
    "sleeps": ("timeout", "not finished after 5 s, in its first call"),
    "allocates": ("out-of-memory", "it asked for more memory than is available to it"),
    "raises": ("raised", "RuntimeError: no luck"),
    "nan": ("wrong", "data: cost is nan"),
    "shouts": ("ok", ""),
    "closes": ("crashed", "in its first call"),
    "stops": ("crashed", "it stopped itself in its first call"),
    "hangs_up": ("crashed", "it closed its connection in its first call"),
    "garbles": ("crashed", "it sent a frame that is not JSON in its first call"),
    "forks": ("ok", ""),
    "fails_later": ("crashed", "SIGSEGV, segmentation fault, "),
}


def load(spec: str) -> Request:
    """The request that loads a kernel of the gradient."""
    return Request("load", {"spec": spec, "operation": "gradient", "data_limit": None})


def workers() -> set[int]:
    """The workers of this process, and their children."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture(scope="module")
def faulty() -> Race:
    kernels = [f"{FAULTS}:{name}" for name in OUTCOMES]
    return race([*kernels, "numpy"], "lecture", launches=2, seconds=0.2, timeout=5)


@pytest.mark.usefixtures("faulty")
def test_no_process_remains() -> None:
    assert workers() == set()
    arguments = {"bench.worker.bootstrap", str(os.getpid())}  # a process that a worker forked has them as well
    assert [p for p in psutil.process_iter(["cmdline"]) if arguments <= set(p.info["cmdline"] or ())] == []


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_outcome_of_a_fault(name: str, faulty: Race) -> None:
    outcome, reason = OUTCOMES[name]
    actual_outcome, actual_reason = faulty.outcome(f"faults:{name}")
    assert actual_outcome == outcome
    assert reason in actual_reason
    assert bool(faulty.rounds(f"faults:{name}")) is (outcome == "ok")


def test_the_others_are_measured(faulty: Race) -> None:
    numpy = next(record for record in faulty.records if record.kernel == "numpy")
    assert (numpy.outcome, numpy.launches) == ("ok", 2)
    assert faulty.ratio("numpy", over="faults:shouts") is not None


def test_output_is_drained_and_its_end_kept(faulty: Race) -> None:
    shouts = next(record for record in faulty.records if record.kernel == "faults:shouts")
    assert shouts.output_tail.endswith("xxx")
    assert shouts.output_tail.startswith("[99999500 bytes before this] xxx")


def test_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("print('the beginning', 'x' * 1000, 'the end', flush=True)\ndef gradient(*_): ...\n")
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(20, 2**40))
    try:
        worker.request(load(f"{mine}:gradient"))
    finally:
        worker.kill()
    assert worker.output_tail.endswith("x the end\n")
    assert (len(worker.output_tail), worker.output_bytes) == (500, len("the beginning  the end\n") + 1000)


def test_a_skipped_kernel_runs_if_requested_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_LONGEST_CALL_SECONDS", 1e-3)
    large = catalog.named("300x2")
    assert list(large.skip_reasons) == ["loops-examples"]
    session = Session([Candidate("loops-examples")], [large], Settings(seconds=0))
    session.choose([(large.name, "loops-examples")], baselines=False)
    session.run()
    assert session.races[0].outcome("loops-examples") == ("skipped", large.skip_reasons["loops-examples"])
    assert race(["loops-examples"], large, seconds=0).outcome("loops-examples") == ("ok", "")


def test_a_failed_worker_is_restarted_for_the_next_workload() -> None:
    small = [catalog.named(name) for name in ("lecture", "20x3")]
    session = Session([Candidate(f"{FAULTS}:aborts_on_lecture")], small, Settings(seconds=0))
    session.choose([(workload.name, "faults:aborts_on_lecture") for workload in small], baselines=False)
    session.run()
    assert [race.outcome("faults:aborts_on_lecture")[0] for race in session.races] == ["crashed", "ok"]


def test_an_interruption_keeps_finished_launches_and_ends_the_workers() -> None:
    session = Session([Candidate("numpy")], [catalog.named("lecture")], Settings(0.2, launches=3))
    session.choose([("lecture", "numpy")], baselines=False)

    def interrupt(step: str, _share: float) -> None:
        if step.startswith("launch 3"):
            raise KeyboardInterrupt

    before = workers()
    with pytest.raises(KeyboardInterrupt):
        session.run(interrupt)
    assert [launch_result.launch for launch_result in session.launch_results] == [0, 1]
    assert workers() <= before
    assert session.record("lecture", "numpy", session.thread_counts[0]).launches == 2


def test_stop_ends_the_run_after_a_launch() -> None:
    session = Session([Candidate("numpy")], [catalog.named("lecture")], Settings(0.1, launches=3))
    session.choose([("lecture", "numpy")], baselines=False)
    session.run(stop=lambda _launch_result: True)
    assert len(session.launch_results) == 1


def test_the_parent_limits_resident_memory() -> None:
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(20, 50 * 2**20))
    with pytest.raises(WorkerFailed) as failed:
        worker.request(load("jax"))
    worker.kill()
    assert failed.value.outcome == "out-of-memory"
    assert "over its limit of 0.0" in failed.value.reason


def test_suspend_stops_the_process() -> None:
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(20, 2**40))
    try:
        worker.request(load("numpy"))
        child = psutil.Process(worker.pid)
        worker.suspend()
        assert child.status() == psutil.STATUS_STOPPED
        worker.resume()
        worker.request(load("numpy"))
    finally:
        worker.kill()
    assert not child.is_running()


def test_suspend_stops_the_children_too(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("import subprocess\nchild = subprocess.Popen(['sleep', '60'])\ndef gradient(*_): ...\n")
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(20, 2**40))
    try:
        worker.request(load(f"{mine}:gradient"))
        (child,) = psutil.Process(worker.pid).children()
        worker.suspend()
        deadline = time.monotonic() + 5
        while child.status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
            time.sleep(0.01)
        assert child.status() == psutil.STATUS_STOPPED
    finally:
        worker.kill()
