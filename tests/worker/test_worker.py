"""How a worker answers when its kernel raises or cannot be loaded."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.worker import worker
from bench.worker.worker import Worker
from bench.workloads.parameters import CALIBRATION_DRAW, COMPILE_DRAW, FIRST_DRAW
from kernels import Kernel
from kernels.backends import NUMPY
from kernels.gradient.numpy_vectorized import gradient
from tests.support.problems import TINY, inputs
from tests.support.wire import received


class WithoutMessage(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (RuntimeError("no luck\nat all"), "raised", "RuntimeError: no luck"),
        (MemoryError(), "out-of-memory", "it asked for more memory than is available to it"),
        (ZeroDivisionError(), "raised", "ZeroDivisionError"),
        (SystemExit(3), "raised", "SystemExit: 3"),
        (KeyboardInterrupt(), "raised", "KeyboardInterrupt"),
        (WithoutMessage(), "raised", "WithoutMessage"),
    ],
)
def test_an_exception_of_the_kernel(placed: Any, error: BaseException, outcome: str, reason: str) -> None:
    def fails(*_: Any) -> Any:
        raise error

    response = worker._answer(placed(fails), {"request": "call", "draw": FIRST_DRAW}, [])
    assert (response["outcome"], response["reason"]) == (outcome, reason)


def test_a_kernel_that_does_not_exist_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    request = {"request": "load", "spec": f"{tmp_path}/none.py:f", "operation": "gradient", "data_limit": None}
    assert worker._answer(Worker(), request, [])["bad_spec"] is True


@pytest.mark.parametrize(
    ("passes", "sent"),
    [(2, 2), (0.5, 0.5), (np.int64(1), 1), (np.float32(1.5), 1.5), (float("inf"), None), ("two", None), (None, None)],
)
def test_how_often_x_is_read_is_a_number_or_nothing(passes: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "load", lambda _spec, _operation: Kernel("mine", NUMPY, "", passes, gradient))
    response = Worker().load("mine", "gradient", None)
    assert (response.passes, type(response.passes)) == (sent, type(sent))


def answer(request: str, **arguments: Any) -> dict[str, Any]:
    return worker._answer(Worker(), {"request": request, **arguments}, [])


@pytest.mark.parametrize(
    ("source", "response"),
    [
        ("def mine(X, y, w, b): ...", {"operation": "gradient"}),
        (
            "from kernels import Kernel\nfrom kernels.backends import NUMPY\n"
            "mine = Kernel('x', NUMPY, '', None, build=lambda steps: None, operation='descend')",
            {"operation": "descend"},
        ),
        (
            "from kernels import BackendUnavailable\nraise BackendUnavailable('no such device')",
            {"outcome": "raised", "bad_spec": True},
        ),
        ("mine = 3", {"outcome": "raised", "bad_spec": True}),
    ],
)
def test_inspect_says_what_a_users_kernel_computes(source: str, response: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(source)
    answered = answer("inspect", spec=f"{tmp_path}/own.py:mine")
    assert {name: answered[name] for name in response} == response


def test_a_spec_that_names_nothing_is_an_error_of_the_command_line_also_when_it_is_inspected() -> None:
    assert answer("inspect", spec="nump")["bad_spec"] is True
    assert answer("load", spec="numba-compiled", operation="gradient", data_limit=None)["bad_spec"] is True


STATIC = (3, 0.5, None, "relu", (("layer", 2), ("layer", 4)), ())


def test_a_static_description_survives_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a tuple again, so that a kernel may compile once for each."""
    built: list[Any] = []

    @cache
    def build(static: Any) -> Any:
        built.append(static)
        return gradient

    kernel = Kernel("mine", NUMPY, "", None, build=build)
    monkeypatch.setattr(worker, "load", lambda _spec, _operation: kernel)
    made, request = Worker(), inputs(TINY).place_request()
    assert request.descriptor is not None
    arguments = received(request.arguments | {"static": STATIC})
    made.load("mine", "gradient", None)
    for _ in range(2):
        made.place(**arguments, descriptor=os.dup(request.descriptor))
        assert made.placed_kernel.inputs.static == STATIC
        assert made.compile(COMPILE_DRAW).build_seconds is not None
    assert built == [STATIC]
    assert made.call(FIRST_DRAW).seconds > 0


def test_only_a_kernel_with_something_to_build_reports_the_seconds(placed: Any) -> None:
    response = placed(gradient).compile(COMPILE_DRAW)
    assert (response.build_seconds, response.compile_seconds, response.compiles) == (None, None, False)


def test_a_kernel_without_a_call_is_an_outcome(placed: Any) -> None:
    made = placed(None)
    response = worker._answer(made, {"request": "compile", "draw": COMPILE_DRAW}, [])
    assert (response["outcome"], response["bad_spec"]) == ("raised", False)
    assert "the kernel mine has no call" in response["reason"]


def test_an_array_that_probes_share_is_placed_once_and_released_before_calibration(placed: Any) -> None:
    """A backend with its own memory holds the workload's X and one more."""
    matrices: list[Any] = []

    def asarray(array: Any) -> Any:
        if np.ndim(array) == 2:
            matrices.append(array)
        return NUMPY.asarray(array)

    made = placed(gradient, replace(NUMPY, asarray=asarray))
    matrices.clear()
    for case in (inputs(TINY).data, *inputs(TINY).probes, inputs(TINY).probes[0]):
        assert not case.judge(made.check(**received(case.request().arguments)).result).failure
    assert len(matrices) == 1
    assert made.probe_fields
    made.calibrate(CALIBRATION_DRAW, 1)
    assert made.probe_fields == {}
    made.release()
    gc.unfreeze()
