"""A worker without a process, with a small workload placed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from bench.worker import worker
from bench.worker.worker import Worker
from bench.workloads.parameters import COMPILE_DRAW
from kernels import Backend, Kernel
from kernels.backends import NUMPY
from tests.support.problems import TINY, inputs


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Worker]:
    """A kernel's call, its backend and a workload → a worker whose kernel it is, built for that workload."""

    def placed(call: Any, backend: Backend = NUMPY, workload: str = TINY) -> Worker:
        workload_inputs, made = inputs(workload), Worker()
        operation = workload_inputs.workload.operation
        kernel = Kernel("mine", backend, "", None, call, operation=operation)
        monkeypatch.setattr(worker, "load", lambda _spec, _operation: kernel)
        workload_inputs.begin_launch()
        made.load("mine", operation, None)
        request = workload_inputs.place_request()
        assert request.descriptor is not None
        made.place(**request.arguments, descriptor=os.dup(request.descriptor))
        if call is not None:
            made.compile(COMPILE_DRAW)
        return made

    return placed
