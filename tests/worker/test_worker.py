"""What a worker does with its orders, without a process: new parameters for each call, rounds as long as promised."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.host import procfs
from bench.worker import shared_arrays, timing, worker
from bench.worker.messages import Frames, ProtocolError, array, encode
from bench.worker.worker import Worker
from bench.workloads.parameters import CALIBRATION_DRAW, FIRST_DRAW, ROUND_DRAW
from kernels import Kernel
from kernels.backends import NUMPY
from kernels.numpy_vectorized import gradient as honest
from tests.support.problems import inputs

WORKLOAD = "50x3"


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def placed(function: Any) -> Worker:
        monkeypatch.setattr(worker, "load", lambda _spec: Kernel("mine", NUMPY, "", None, function))
        made, one = inputs(WORKLOAD), Worker()
        made.begin_launch()
        one.load("mine", None)
        order = made.place()
        assert order.descriptor is not None
        one.place(**order.arguments, descriptor=os.dup(order.descriptor))
        return one

    return placed


def test_no_timed_call_gets_parameters_that_were_seen(placed: Any) -> None:
    seen: list[bytes] = []

    def watching(X: Any, y: Any, w: Any, b: Any) -> Any:
        seen.append(w.tobytes() + b.tobytes())
        return honest(X, y, w, b)

    one = placed(watching)
    one.call(FIRST_DRAW)
    for case in (inputs(WORKLOAD).data, inputs(WORKLOAD).unseen):
        _asked(one, case)
    calls = one.calibrate(CALIBRATION_DRAW, None)["iterations"]
    for number in range(3):
        one.round(ROUND_DRAW + number, calls, 0, None)
        timed, earlier = seen[-calls:], seen[:-calls]
        assert len(set(timed)) == calls
        assert not set(timed) & set(earlier)


def _asked(one: Worker, case: Any) -> Any:
    arguments = case.order().arguments
    packed = {key: _packed(value) if key in "wb" else value for key, value in arguments.items()}
    return one.check(**packed)["result"]


def _packed(value: Any) -> Any:
    frames = Frames()
    frames.feed(encode({"value": value}))
    message = frames.next()
    assert message is not None
    return message["value"]


def test_a_round_is_as_long_as_promised(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an imagined clock: a call takes 1 ms, so 5 or 6 of them make a round. In powers of two, which add up."""
    now, millisecond = [0.0], 2.0**-10

    def one_millisecond(X: Any, y: Any, w: Any, b: Any) -> Any:
        now[0] += millisecond
        return honest(X, y, w, b)

    one = placed(one_millisecond)
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])
    found = one.calibrate(CALIBRATION_DRAW, None)
    assert (found["iterations"], found["call_seconds"]) == (6, pytest.approx(millisecond))
    assert now[0] > timing._SETTLING_SECONDS + timing._WATCHED_SECONDS
    assert one.calibrate(CALIBRATION_DRAW, 9)["iterations"] == 9
    began = now[0]
    assert one.round(ROUND_DRAW, 6, 5, None)["seconds"] == 6 * millisecond
    assert now[0] - began == (6 + 3) * millisecond  # three untimed calls are 2 ms and more
    assert one.call(FIRST_DRAW)["seconds"] == millisecond


def test_threads_are_watched_for_as_long_as_it_takes(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of 10 ms become calls of 0.1 ms once they were counted: too few then, and watched again and again."""
    now, calls, watched = [0.0], [0], list[float]()

    def quicker_later(X: Any, y: Any, w: Any, b: Any) -> Any:
        calls[0] += 1
        now[0] += 1e-2 if calls[0] <= 4 + timing._TRIALS else 1e-4
        return honest(X, y, w, b)

    def look() -> dict[str, float]:
        watched.append(now[0])
        return {}

    one = placed(quicker_later)
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])
    monkeypatch.setattr(procfs, "thread_seconds", look)
    found = one.calibrate(CALIBRATION_DRAW, None)
    began, ended = watched
    assert ended - began >= timing._WATCHED_SECONDS
    assert (found["iterations"], found["call_seconds"]) == (1, pytest.approx(1e-4))


def test_a_busy_moment_does_not_shorten_the_rounds(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call that is counted takes 10 ms, and every other one 1 ms."""
    now, left = [0.0], [9e-3]

    def disturbed_once(X: Any, y: Any, w: Any, b: Any) -> Any:
        now[0] += 1e-3 + (left.pop() if left and now[0] > timing._SETTLING_SECONDS else 0.0)
        return honest(X, y, w, b)

    one = placed(disturbed_once)
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])
    assert one.calibrate(CALIBRATION_DRAW, None)["iterations"] == 6


@pytest.mark.parametrize("sampled", [0, 2, 3])
def test_the_sampled_result_is_that_of_its_call(placed: Any, sampled: int) -> None:
    reply = placed(honest).round(ROUND_DRAW, 4, sampled, None)
    assert not inputs(WORKLOAD).timed(ROUND_DRAW, sampled).judge(reply["result"]).failure
    assert inputs(WORKLOAD).timed(ROUND_DRAW, 1 + sampled).judge(reply["result"]).failure
    assert (reply["result_wait_seconds"] is not None) is (sampled == 3)


def test_parameters_that_were_written_into_are_seen(placed: Any) -> None:
    def writes(X: Any, y: Any, w: Any, b: Any) -> Any:
        ctypes.memset(w.ctypes.data, 0, w.nbytes)
        return honest(X, y, w, b)

    assert placed(writes).round(ROUND_DRAW, 2, 0, None)["mutated"] is True
    assert placed(honest).round(ROUND_DRAW, 2, 0, None)["mutated"] is False


def test_data_is_read_only_and_of_its_own(placed: Any) -> None:
    one = placed(honest)
    made = inputs(WORKLOAD)
    np.testing.assert_array_equal(one.subject.X, made.arrays["X"])
    assert not np.shares_memory(one.subject.X, made.arrays["X"])
    assert one.subject.X.ctypes.data % shared_arrays.HUGE_PAGE == 0
    for part in (one.subject.X, one.subject.y, one.shared["probe"]):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_begin_at_cache_lines(dtype: Any) -> None:
    for size in range(1, 20):
        copy = shared_arrays.aligned(np.arange(size, dtype=dtype))
        np.testing.assert_array_equal(copy, np.arange(size))
        assert copy.ctypes.data % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            copy[0] = 1


def test_shared_memory_is_sealed() -> None:
    shared = shared_arrays.share_arrays(
        {"X": np.ones((2, 3)), "F": np.asfortranarray(np.arange(6.0).reshape(2, 3))}, 2**20
    )
    try:
        with pytest.raises(PermissionError):
            os.write(shared.descriptor, b"x")
        arrays = shared_arrays.map_arrays(shared.descriptor, shared.table)
        assert arrays["F"].flags.f_contiguous
        np.testing.assert_array_equal(arrays["F"], np.arange(6.0).reshape(2, 3))
        del arrays
    finally:
        shared.close()


def test_large_arrays_are_shared_at_huge_pages_and_given_back() -> None:
    X = np.arange(2.0**19).reshape(-1, 4)
    shared = shared_arrays.share_arrays({"y": np.ones(3), "X": X, "probe": -X}, 2**30)
    arrays = shared_arrays.map_arrays(shared.descriptor, shared.table)
    shared.close()
    start = arrays["y"].ctypes.data
    assert (
        arrays["X"].ctypes.data % shared_arrays.HUGE_PAGE
        == arrays["probe"].ctypes.data % shared_arrays.HUGE_PAGE
        == 0
    )
    np.testing.assert_array_equal(arrays["X"], X)
    np.testing.assert_array_equal(arrays["probe"], -X)
    kept = arrays["X"][1:]
    arrays.clear()
    assert kept[0, 0] == 4  # as long as anybody looks
    if (maps := Path("/proc/self/maps")).exists():
        assert f"{start:x}-" in maps.read_text()
        del kept
        assert f"{start:x}-" not in maps.read_text()


class Unspeakable(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (RuntimeError("no luck\nat all"), "raised", "RuntimeError: no luck"),
        (MemoryError(), "out-of-memory", "it asked for more memory than there is for it"),
        (ZeroDivisionError(), "raised", "ZeroDivisionError"),
        (SystemExit(3), "raised", "SystemExit: 3"),
        (KeyboardInterrupt(), "raised", "KeyboardInterrupt"),
        (Unspeakable(), "raised", "Unspeakable"),
    ],
)
def test_what_a_kernel_raises(placed: Any, error: BaseException, outcome: str, reason: str) -> None:
    def fails(*_: Any) -> Any:
        raise error

    answer = worker._answer(placed(fails), {"order": "call", "draw": FIRST_DRAW}, [])
    assert (answer["outcome"], answer["reason"]) == (outcome, reason)


def test_a_kernel_that_cannot_be_found_is_a_mistake_of_the_command(tmp_path: Path) -> None:
    answer = worker._answer(Worker(), {"order": "load", "spec": f"{tmp_path}/none.py:f", "data_limit": None}, [])
    assert answer["invalid"] is True


def test_messages_in_any_pieces() -> None:
    messages: list[dict[str, Any]] = [{"a": 1}, {"w": np.arange(3, dtype=np.float32), "text": "σ"}]
    stream = b"".join(map(encode, messages))
    for size in (1, 7, len(stream)):
        frames, found = Frames(), []
        for start in range(0, len(stream), size):
            frames.feed(stream[start : start + size])
            while (message := frames.next()) is not None:
                found.append(message)
        assert found[0] == messages[0]
        np.testing.assert_array_equal(array(found[1]["w"]), messages[1]["w"])


@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02no", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x04\xff\xfe\xfd\xfc"]
)
def test_what_is_no_message(data: bytes) -> None:
    frames = Frames()
    frames.feed(data)
    with pytest.raises(ProtocolError):
        frames.next()


@pytest.mark.parametrize(
    "packed",
    [
        1,
        "a",
        {},
        {"dtype": "object"},
        {"dtype": "float64", "shape": [2], "bytes": "AAAA"},
        {"dtype": "float64", "shape": 1},
    ],
)
def test_what_is_no_array(packed: Any) -> None:
    with pytest.raises(ProtocolError):
        array(packed)
