"""A worker without a process, with the small workload placed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from bench.worker import worker
from bench.worker.worker import Worker
from kernels import Backend, Kernel
from kernels.backends import NUMPY
from tests.support.problems import TINY, inputs


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Worker]:
    """gradient function, and its backend → a worker whose kernel it is."""

    def placed(gradient: Any, backend: Backend = NUMPY) -> Worker:
        monkeypatch.setattr(worker, "load", lambda _spec: Kernel("mine", backend, "", None, gradient))
        workload_inputs, made = inputs(TINY), Worker()
        workload_inputs.begin_launch()
        made.load("mine", None)
        request = workload_inputs.place_request()
        assert request.descriptor is not None
        made.place(**request.arguments, descriptor=os.dup(request.descriptor))
        return made

    return placed
