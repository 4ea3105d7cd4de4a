"""How a worker answers when its kernel raises or cannot be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.worker import worker
from bench.worker.worker import Worker
from bench.workloads.parameters import FIRST_DRAW


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
    assert worker._answer(Worker(), request, [])["invalid"] is True
