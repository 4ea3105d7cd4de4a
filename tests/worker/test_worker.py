"""How a worker answers when its kernel raises or cannot be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.worker import worker
from bench.worker.worker import Worker
from bench.workloads.parameters import FIRST_DRAW
from kernels import Kernel
from kernels.backends import NUMPY
from kernels.numpy_vectorized import gradient


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
    request = {"request": "load", "spec": f"{tmp_path}/none.py:f", "data_limit": None}
    assert worker._answer(Worker(), request, [])["bad_spec"] is True


@pytest.mark.parametrize(
    ("passes", "sent"),
    [(2, 2), (0.5, 0.5), (np.int64(1), 1), (np.float32(1.5), 1.5), (float("inf"), None), ("two", None), (None, None)],
)
def test_how_often_x_is_read_is_a_number_or_nothing(passes: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "load", lambda _spec: Kernel("mine", NUMPY, "", passes, gradient))
    response = Worker().load("mine", None)
    assert (response.passes, type(response.passes)) == (sent, type(sent))
