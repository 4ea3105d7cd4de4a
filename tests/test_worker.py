"""One kernel through one workload: in order, with new parameters for each call, whatever it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import race, selection, worker, workloads
from bench.selection import Entrant
from bench.statistics import FEWEST_ROUNDS
from bench.worker import Measurement
from kernels import Kernel
from kernels.backends import NUMPY
from kernels.numpy_vectorized import gradient as honest

WORKLOAD = workloads.named("50x3")


def measure(function: Any, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.02) -> Measurement:
    monkeypatch.setattr(worker, "loaded", lambda _spec: (Kernel("mine", NUMPY, "", None, function), 0.0))
    return worker.measure("mine", WORKLOAD, seconds)


def test_no_two_calls_get_the_same_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def watching(X: Any, y: Any, w: Any, b: Any) -> Any:
        if w.any() and np.abs(X).max() != 1:  # the probes' X is ±1 throughout
            seen.append(w.tobytes() + b.tobytes())
        return honest(X, y, w, b)

    found = measure(watching, monkeypatch)
    assert (found.outcome, len(found.rounds) >= FEWEST_ROUNDS) == ("ok", True)
    assert len(seen) > len(found.rounds) * found.iterations
    assert len(set(seen)) == len(seen)


def test_a_round_is_as_long_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an imagined clock: a call takes 1 ms, so 5 or 6 of them make a round."""
    now = [0.0]

    def one_millisecond(X: Any, y: Any, w: Any, b: Any) -> Any:
        now[0] += 1e-3
        return honest(X, y, w, b)

    monkeypatch.setattr(worker, "perf_counter", lambda: now[0])
    found = measure(one_millisecond, monkeypatch, seconds=1.0)
    assert found.iterations == 6
    assert found.rounds == pytest.approx([1e-3] * len(found.rounds))
    assert len(found.rounds) == round(1.0 / 7e-3)
    assert found.first_call_seconds == pytest.approx(1e-3)


def test_checked_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure(honest, monkeypatch, seconds=0)
    assert (found.outcome, found.rounds) == ("ok", ())
    assert [finding.check for finding in found.findings] == [
        "data",
        "rows",
        "one-example",
        "some-examples",
        "few-examples",
        "coherent",
        "unseen",
    ]


def test_a_kernel_that_remembers_its_answer_loses_its_times(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = []

    def remembers(X: Any, y: Any, w: Any, b: Any) -> Any:
        if len(answers) < 8:
            answers.append(honest(X, y, w, b))
            return answers[-1]
        return answers[-1]

    found = measure(remembers, monkeypatch)
    assert (found.outcome, found.rounds) == ("wrong", ())
    assert found.reason.startswith("unseen: ")


class Unspeakable(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (RuntimeError("no luck\nat all"), "raised", "RuntimeError: no luck"),
        (MemoryError(), "out-of-memory", "50x3-f64 does not fit into memory"),
        (ZeroDivisionError(), "raised", "ZeroDivisionError"),
        (SystemExit(3), "raised", "SystemExit: 3"),
        (Unspeakable(), "raised", "Unspeakable"),
    ],
)
def test_what_a_kernel_raises(
    error: BaseException, outcome: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise error

    found = measure(fails, monkeypatch)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_a_kernel_that_writes_into_its_input_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def writes(X: Any, y: Any, w: Any, b: Any) -> Any:
        X *= 2
        return honest(X, y, w, b)

    assert measure(writes, monkeypatch).reason == "ValueError: output array is read-only"


def test_a_users_file_is_executed_once(tmp_path: Path) -> None:
    log = f"with open({str(tmp_path / 'log')!r}, 'a') as log: log.write('x')\n"
    (tmp_path / "mine.py").write_text(log + "from kernels.numpy_vectorized import gradient\n")
    spec = f"{tmp_path}/mine.py:gradient"
    (entrant,) = selection.choose_kernels(spec)
    assert worker.measure(entrant.spec, WORKLOAD, 0).outcome == "ok"
    assert (tmp_path / "log").read_text() == "x"


def test_records_of_a_race() -> None:
    entrants = selection.with_baselines([Entrant("numpy"), Entrant("loops-examples")], WORKLOAD)
    ran = race.race(entrants, WORKLOAD, seconds=0.02)
    loops, numpy, examples = ran.records
    assert [record.kernel for record in ran.records] == ["loops", "numpy", "loops-examples"]
    assert [record.selected for record in ran.records] == [False, True, True]
    assert loops.speedup is not None
    assert (loops.speedup.estimate, loops.speedup.baseline) == (1.0, "loops")
    assert numpy.over_numpy is not None
    assert numpy.over_numpy.estimate == 1.0
    assert examples.speedup is not None
    assert examples.speedup.low <= examples.speedup.estimate <= examples.speedup.high
    assert examples.seconds is not None
    assert loops.seconds is not None
    assert examples.speedup.estimate == pytest.approx(loops.seconds.median / examples.seconds.median)
    assert examples.gigabytes_per_second == pytest.approx(WORKLOAD.bytes_per_call / examples.seconds.median / 1e9)
    assert set(ran.rounds) == {"loops", "numpy", "loops-examples"}


def test_an_interruption_loses_only_what_was_running(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[race.Race] = []
    measure = worker.measure

    def interrupted(spec: str, *rest: Any) -> Measurement:
        if spec == "numpy":
            raise KeyboardInterrupt
        return measure(spec, *rest)

    monkeypatch.setattr(worker, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        race.race([Entrant("loops"), Entrant("numpy")], WORKLOAD, 0.01, keep=kept.append)
    assert [record.kernel for record in kept[-1].records] == ["loops"]


def test_what_is_left_out_runs_when_asked_for_by_name() -> None:
    large = workloads.named("300000x2")
    assert list(large.left_out) == ["loops-examples"]
    skipped = race.race([Entrant("loops-examples")], large, seconds=0).records[0]
    assert (skipped.outcome, skipped.reason) == ("skipped", large.left_out["loops-examples"])
    assert race.estimated_seconds(Entrant("loops-examples"), large, 1.0) == 0
    asked = Entrant("loops-examples", by_name=True)
    assert race.estimated_seconds(asked, large, 1.0) > 1
    assert race.race([asked], large, seconds=0).records[0].outcome == "ok"
