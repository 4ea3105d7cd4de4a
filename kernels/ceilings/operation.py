"""The ceilings as an operation, so that workers race them beside the kernels of a workload. Nothing is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kernels.contract import Fresh, Inputs, Judge, Judgement, Operation, Part, Probe


def _inputs(X: np.ndarray, y: np.ndarray, _options: Mapping[str, Any]) -> Inputs:
    return Inputs({"X": X, "y": y})


def _fresh(inputs: Inputs, rng: np.random.Generator) -> Fresh:
    return (inputs.dtype.type(rng.standard_normal() / 2),)


def _judge(_inputs: Inputs, _fresh: Fresh, _quick: bool) -> Judge:
    return lambda _result: Judgement()


def _probes(_inputs: Inputs) -> Sequence[Probe]:
    return ()


CEILINGS = Operation(
    name="ceilings",
    summary="the work that no kernel can avoid",
    fields={"X": 0, "y": 0},
    inputs=_inputs,
    fresh=_fresh,
    result=lambda _inputs: {"total": Part(())},
    judge=_judge,
    probes=_probes,
    work=lambda _size, _static: None,
)
