"""A network's gradient as an operation: X and y are placed once, the parameters are new with every call.

network(X, y, W_1, b_1, ... w, b) → (cost, dW_1, db_1, ... dw, db)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from kernels.ceilings.specs import MATMUL, matmul_flops
from kernels.contract import Fresh, Inputs, Judge, NameEnding, Operation, Option, Part, Probe, Size, Work
from kernels.gradient import operation as gradient
from kernels.gradient.operation import distinct
from kernels.network import reference
from kernels.network.judge import judge
from kernels.network.net import ACTIVATIONS, Net, result_parts
from kernels.network.parameters import draw
from kernels.network.probes import probes as layer_probes
from kernels.number_text import whole_number

_LAYERS, _WIDTH = 2, 64
_MOST_LAYERS, _LARGEST_PARAMETERS = 4, 2**26
"""Layers and parameters; with more, judging a result would take minutes."""
_NOMINAL_SECONDS = 1e-7
"""Of a multiplication with its addition in a Python loop: as for a gradient."""
_PREPARED_PRODUCT, _PREPARED_VALUE = 1.25e-9, 3e-7
"""Seconds of a product and of a layer's value in the references and their bounds, of which a launch makes several."""
_EIGHT_SIGMA = 8.0


def static(options: Mapping[str, Any]) -> tuple[str, int, int]:
    """Activation, layers and width. Raises ValueError for options that make no network."""
    for name in ("layers", "width"):
        least = _OPTIONS[name].expected
        if not 0 <= options[name] <= (_MOST_LAYERS if name == "layers" else _LARGEST_PARAMETERS):
            raise ValueError(f"{name} is {options[name]}; expected {least}")
    if options["layers"] and not options["width"]:
        raise ValueError("width is 0; expected 1 or more")
    return ACTIVATIONS[int(options["activation"])], int(options["layers"]), int(options["width"])


def inputs(X: np.ndarray, y: np.ndarray, options: Mapping[str, Any]) -> Inputs:
    """X (m, n) and y (m,) as they are placed.

    Raises ValueError for data outside the domain of a gradient, or for which a layer's values or sums could overflow,
    and for a network with too many parameters.
    """
    net, of_gradient = Net(*static(options)), gradient.inputs(X, y, {})
    m, n = X.shape
    count = sum(int(np.prod(shape)) for shape in net.shapes(n).values())
    if count > _LARGEST_PARAMETERS:
        raise ValueError(f"{net.layers} x {net.width} units have {count:,} parameters; expected at most 2^26")
    growth = _EIGHT_SIGMA * sqrt(2 * n) * (_EIGHT_SIGMA * sqrt(2 * net.width)) ** max(0, net.layers - 1)
    largest = float(np.abs(of_gradient.placed["X"]).max()) * growth * m
    if net.activation == "relu" and net.layers and not largest <= float(np.finfo(X.dtype).max) / 4:
        size = np.abs(X).max()
        raise ValueError(f"X has a {size:.3g}: a layer may overflow {X.dtype}; scale the features")
    return Inputs(of_gradient.placed, tuple(net), {"layers": net.layers, "width": net.width})


def _fresh(inputs: Inputs, rng: np.random.Generator) -> Fresh:
    X = inputs.placed["X"]
    return tuple(parameter[()] for parameter in draw(Net(*inputs.static), X.shape[1], X.dtype, rng))


def _result(inputs: Inputs) -> Mapping[str, Part]:
    parts = result_parts(Net(*inputs.static), inputs.placed["X"].shape[1])
    return {name: Part(shape) for name, shape in parts.items()}


def _judge(inputs: Inputs, fresh: Fresh, quick: bool) -> Judge:
    net, (X, y) = Net(*inputs.static), inputs.placed.values()
    if not net.layers:
        return gradient.GRADIENT.judge(inputs, fresh, quick)
    expected = reference.compute(net, X, y, fresh, distinct(inputs))
    return partial(judge, expected, list(_result(inputs)), X.dtype)


def _probes(inputs: Inputs) -> Sequence[Probe]:
    if not Net(*inputs.static).layers:
        return gradient.GRADIENT.probes(inputs)
    return layer_probes(inputs)


def work(size: Size, static: tuple[str, int, int]) -> Work:
    """X and y read once, every parameter read and its derivative written; all layers' products and sigmoids."""
    net, (m, n, itemsize) = Net(*static), size
    parameters = sum(int(np.prod(shape)) for shape in net.shapes(n).values())
    sigmoids = 1 + net.layers * net.width * (net.activation == "sigmoid")
    ceilings = {"read": (m * n + m) * itemsize, "sigmoid": m * sigmoids, "multiply": 2 * m * net.products(n)}
    matrices = net.layer_shapes(n)
    if matrices:
        ceilings[MATMUL] = m * matmul_flops(matrices)
    return Work((m * n + m + 2 * parameters) * itemsize, ceilings, matrices)


def _held_bytes(size: Size, static: tuple[str, int, int]) -> int:
    """The values of every layer, their derivatives, and the parameters with theirs."""
    net = Net(*static)
    parameters = sum(int(np.prod(shape)) for shape in net.shapes(size.n).values())
    return (2 * size.m * net.width * net.layers + 2 * parameters) * size.itemsize


def _nominal_seconds(kernel: str, size: Size, static: tuple[str, int, int]) -> float:
    if kernel != "loops":
        return 0.0
    return size.m * (4e-7 + Net(*static).products(size.n) * _NOMINAL_SECONDS)


def _preparation_seconds(size: Size, static: tuple[str, int, int]) -> float:
    net = Net(*static)
    values = net.layers * net.width
    return 0.1 + size.m * (2e-6 + net.products(size.n) * _PREPARED_PRODUCT + values * _PREPARED_VALUE)


def _activation(text: str) -> float:
    return float(ACTIVATIONS.index(text))  # ValueError for another


def _ending(options: Mapping[str, Any]) -> str:
    activation, layers, width = static(options)
    return f"{layers}x{width}-{activation}"


_OPTIONS = {
    "layers": Option(_LAYERS, whole_number, f"a whole number, 0 to {_MOST_LAYERS}", "Layers of hidden units"),
    "width": Option(_WIDTH, whole_number, "a whole number, 1 or more", "Units in each layer"),
    "activation": Option(0.0, _activation, " or ".join(ACTIVATIONS), "What the hidden units are", ACTIVATIONS),
}
NETWORK = Operation(
    name="network",
    summary="the cost of a network of units and its derivatives by all parameters",
    fields={"X": 0, "y": 0},
    inputs=inputs,
    fresh=_fresh,
    result=_result,
    judge=_judge,
    probes=_probes,
    work=work,
    held_bytes=_held_bytes,
    static=static,
    options=_OPTIONS,
    ending=NameEnding(re.compile(r"-(?P<layers>[0-9]+)x(?P<width>[0-9]+)-(?P<activation>[a-z]+)"), _ending),
    baselines=("loops", "numpy"),
    nominal_seconds=_nominal_seconds,
    preparation_seconds=_preparation_seconds,
    figures={
        "ulps": "largest error of the cost and the derivatives, divided by u · the mean |term| of the sum; u is "
        "2⁻⁵³, or 2⁻²⁴ in float32"
    },
    texts={
        "bytes": "bytes of X, y, the parameters and their derivatives, each counted once, divided by the time",
        "ceiling": "100% is the longest of reading X and y once, all layers' sigmoids and multiply-adds, and their "
        "products of matrices by BLAS in cache",
    },
)
