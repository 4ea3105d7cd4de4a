"""The gradient as an operation: X and y are placed once, w and b are new with every call.

gradient(X, y, w, b) → (cost, dw, db)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from kernels.ceilings.specs import amounts
from kernels.contract import Fresh, Inputs, Judge, Operation, Part, Probe, Size, Static, Work
from kernels.gradient import reference
from kernels.gradient.judge import judge
from kernels.gradient.probes import drawn_labels, probe_problems
from kernels.gradient.problem import Problem
from kernels.gradient.smaller import EIGHT_SIGMA, largest_score, makes_smaller

# Nominal seconds of one call for each example and for each element, for kernels that loop in Python. About twice what
# CPython 3.11 takes on a server core of 2024, so that slower machines stay under the limit as well. The values are
# fixed, because machines are comparable only if a workload's baseline is the same on all of them.
_NOMINAL_SECONDS = {"loops": (4e-7, 1.2e-7), "loops-examples": (3.5e-6, 1e-9)}
_PREPARATION_SECONDS = {4: (2.4e-7, 4.6e-8), 8: (1.9e-6, 1.1e-7)}
"""Itemsize → seconds for each example and for each element, to make data, references and probes. Measured with 2 to
1024 features on two cores of 2024; double-double arithmetic takes most of the time."""


def inputs(X: np.ndarray, y: np.ndarray, _options: Mapping[str, Any]) -> Inputs:
    """X (m, n) and y (m,) as they are placed. Raises ValueError for data outside the domain of `Problem`."""
    w = np.full(X.shape[-1:], EIGHT_SIGMA / np.sqrt(max(1, *X.shape[-1:])) if X.ndim else 0)
    problem = Problem(X, y, w.astype(X.dtype), EIGHT_SIGMA / 2)
    return Inputs({"X": problem.X, "y": problem.y})


def fresh(inputs: Inputs, rng: np.random.Generator) -> Fresh:
    """w (n,) and b, for scores of order 1."""
    (arguments,) = fresh_many(inputs, rng, 1)
    return arguments


def fresh_many(inputs: Inputs, rng: np.random.Generator, count: int) -> Sequence[Fresh]:
    """Those of several calls. The generator's next numbers are the first call's n + 1, then the second's."""
    X = inputs.placed["X"]
    n = X.shape[1]
    normal = rng.standard_normal((count, n + 1))
    normal[:, :n] /= np.sqrt(n)
    normal[:, n] /= 2
    numbers = normal.astype(X.dtype, copy=False)
    return list(zip(numbers[:, :n], numbers[:, n], strict=True))


def _result(inputs: Inputs) -> Mapping[str, Part]:
    return {"cost": Part(()), "dw": Part((inputs.placed["X"].shape[1],)), "db": Part(())}


def _judge(inputs: Inputs, fresh: Fresh, quick: bool) -> Judge:
    X, y = inputs.placed.values()
    return partial(judge, reference.compute(Problem(X, y, *fresh), quick, distinct=distinct(inputs)), X.dtype)


_distinct: WeakKeyDictionary[Inputs, int] = WeakKeyDictionary()


def distinct(inputs: Inputs) -> int:
    """How many of these examples differ, counted once."""
    if inputs not in _distinct:
        _distinct[inputs] = reference.distinct_examples(inputs.placed["X"], inputs.placed["y"])
    return _distinct[inputs]


def _probes(inputs: Inputs) -> Sequence[Probe]:
    X = inputs.placed["X"]
    return [
        Probe(
            probe.name,
            Inputs({"X": probe.problem.X, "y": probe.problem.y}),
            (probe.problem.w, probe.problem.b),
            expected := partial(judge, probe.expected, X.dtype),
            probe.change,
            makes_smaller(probe, expected),
        )
        for probe in (*probe_problems(X, all_scores=True), drawn_labels(X, fresh(inputs, np.random.default_rng())))
    ]


def work(size: Size, _static: Static = None) -> Work:
    """X, y and w read once, dw written once; m sigmoids with their losses; 2mn products with their sums."""
    m, n, itemsize = size
    return Work((m * n + m + 2 * n) * itemsize, amounts(*size))


def nominal_seconds(kernel: str, size: Size, _static: Static = None) -> float:
    """The nominal seconds of one call of a kernel that loops in Python; 0 for the other kernels."""
    per_example, per_element = _NOMINAL_SECONDS.get(kernel, (0.0, 0.0))
    return size.m * (per_example + size.n * per_element)


def preparation_seconds(size: Size, _static: Static = None) -> float:
    """The approximate seconds for making the data, the probes and the references."""
    per_example, per_element = _PREPARATION_SECONDS[size.itemsize]
    return 0.05 + size.m * (per_example + size.n * per_element)


GRADIENT = Operation(
    name="gradient",
    summary="the cost of a training set and its gradient",
    fields={"X": 0, "y": 0},
    inputs=inputs,
    fresh=fresh,
    fresh_many=fresh_many,
    result=_result,
    judge=_judge,
    probes=_probes,
    largest_score=largest_score,
    work=work,
    baselines=("loops", "loops-examples", "numpy"),
    nominal_seconds=nominal_seconds,
    preparation_seconds=preparation_seconds,
    figures={
        "ulps": "largest error of cost, dw, db, divided by u · the mean |term| of the sum; u is 2⁻⁵³, or 2⁻²⁴ in "
        "float32"
    },
    texts={
        "bytes": "bytes of X, y, w and dw, each counted once, divided by the time",
        "ceiling": "100% is the longer of reading X and y once, and m sigmoids with losses and 2mn multiply-adds",
        "largest_score": "is right for scores |z| up to",
    },
)
