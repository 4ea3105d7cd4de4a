"""The probes of a network: one example alone has a gradient, so that each layer can be judged (rank_one.py).

The other examples are copies of a few. Units max(z, 0): these are signs times a large number, which all scores grow
with. Units σ: no unit exceeds 1, so the weights of the output are large instead, and its intercept is such that the
score of the one example is not. The copies have the label that their score says: their dz and loss are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kernels.contract import Change, Inputs, Probe
from kernels.network.net import Net
from kernels.network.parameters import draw
from kernels.network.rank_one import OneExample, alive, output_scores

_SATURATED = {np.dtype(np.float32): 128.0, np.dtype(np.float64): 1024.0}
"""e to the minus this is below the smallest subnormal number."""
_CANDIDATES, _COPIED, _TRIES = 64, 8, 200
_SIMILAR = 4
"""Of two copied examples, how many times as large the score of one may be: both are scaled alike."""
_LARGEST_SCORE = 4.0
"""Of the one example, where its label is the one that its score says: its dz is then 0.02 or more, and not lost where
1 is subtracted."""
_LEAST_SLOPE, _LEAST_SPREAD = 2.0**-10, 2.0**-3
"""Of the copies' scores: by the factor of their features, and from that of the one example. What is smaller would
have to be multiplied by so much that the one example's score is lost in rounding."""
_STEEPER = 4
"""How many times as large weights between units σ are: else examples would hardly differ after some layers."""


class _Saturated(NamedTuple):
    """Examples that have no gradient, and the parameters with which that is so."""

    rows: np.ndarray
    parameters: list[np.ndarray]


def probes(inputs: Inputs) -> Sequence[Probe]:
    """Two calls on the same examples: as they are, and with the one example overwritten by another."""
    net, X = Net(*inputs.static), inputs.placed["X"]
    rng = np.random.default_rng()
    m, n = X.shape
    for _ in range(_TRIES):
        examples = rng.standard_normal((2, n)).astype(X.dtype)
        saturated = _saturated(net, examples[0], rng)
        label = float(rng.integers(0, 2))
        if saturated and all(_shows(net, x, label, saturated.parameters) for x in examples):
            break
    else:
        raise ValueError(f"no example with a gradient in every layer was found for {net}")
    row = int(rng.integers(0, m))
    probed = np.empty_like(X)
    chosen = rng.integers(0, len(saturated.rows), m)
    probed[...] = saturated.rows[chosen]
    y = (output_scores(net, saturated.rows, saturated.parameters)[chosen] > 0).astype(X.dtype)
    probed[row], y[row] = examples[0], label
    placed = Inputs({"X": probed, "y": y}, inputs.static)
    fresh = tuple(saturated.parameters)
    one, other = (OneExample(net, x, label, m, fresh) for x in examples)
    return [
        Probe("one-example", placed, fresh, one.judge),
        Probe("changed", placed, fresh, other.judge, Change("X", row, examples[1])),
    ]


def _shows(net: Net, x: np.ndarray, label: float, parameters: Sequence[np.ndarray]) -> bool:
    """Whether this example has a gradient in every layer, that is not lost in rounding."""
    (score,) = output_scores(net, x[np.newaxis], parameters)
    return bool((1 - 2 * label) * score > -_LARGEST_SCORE) and alive(net, x, parameters, label)


def _saturated(net: Net, x: np.ndarray, rng: np.random.Generator) -> _Saturated | None:
    """Rows whose scores are saturated, with parameters for which that of x is not; None if a draw does not suit."""
    parameters = draw(net, len(x), x.dtype, rng)
    if net.activation == "sigmoid":
        parameters = [_STEEPER * part if np.ndim(part) == 2 else part for part in parameters]
    if net.activation == "relu":
        return _scaled_rows(net, parameters, len(x), rng)
    return _scaled_output(net, parameters, x, rng)


def _scaled_rows(net: Net, parameters: list[np.ndarray], n: int, rng: np.random.Generator) -> _Saturated | None:
    dtype = parameters[0].dtype
    least = _SATURATED[dtype]
    signs = rng.choice([-1.0, 1.0], (_CANDIDATES, n)).astype(dtype)
    slopes = output_scores(net, least * signs, parameters) / least
    rows = signs[_most(slopes)]
    smallest = np.abs(slopes[_most(slopes)]).min()
    if smallest < _LEAST_SLOPE:  # the units of a layer may all be at 0
        return None
    scale = 2.0 ** np.ceil(np.log2(least / smallest) + 1)
    rows = (scale * rows).astype(dtype)
    enough = np.abs(output_scores(net, rows, parameters)).min() >= least
    return _Saturated(rows, parameters) if enough else None


def _scaled_output(
    net: Net, parameters: list[np.ndarray], x: np.ndarray, rng: np.random.Generator
) -> _Saturated | None:
    dtype = x.dtype
    least = _SATURATED[dtype]
    candidates = (4 * rng.standard_normal((_CANDIDATES, len(x)))).astype(dtype)
    *_, w, _ = parameters
    (own,) = output_scores(net, x[np.newaxis], parameters)
    others = output_scores(net, candidates, parameters) - own
    rows = candidates[_most(others)]
    smallest = np.abs(others[_most(others)]).min()
    if smallest < _LEAST_SPREAD:
        return None
    scaled = (w * (2 * least / smallest)).astype(dtype)
    within = [*parameters[:-2], scaled, np.zeros((), dtype)]
    (centre,) = output_scores(net, x[np.newaxis], within)
    changed = [*within[:-1], np.asarray(rng.standard_normal() - centre, dtype)]
    enough = np.abs(output_scores(net, rows, changed)).min() >= least
    return _Saturated(rows, changed) if enough else None


def _most(scores: np.ndarray) -> np.ndarray:
    """The rows with the largest scores, of similar size."""
    order = np.argsort(-np.abs(scores))[:_COPIED]
    similar: np.ndarray = order[np.abs(scores[order]) * _SIMILAR >= np.abs(scores[order[0]])]
    return similar
