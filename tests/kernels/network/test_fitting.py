"""A fit by L-BFGS: what it learns, and that examples it was not fitted to decide where it stops."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

from kernels import load
from kernels.network.fitting import Examples, Fitted, fit
from kernels.network.net import Net
from kernels.network.training import start

RNG = np.random.default_rng(1)


def drawn(m: int, noise: float, dtype: type = np.float64) -> Examples:
    """Exclusive or of two signs, with so large a share of wrong labels."""
    X: np.ndarray = RNG.standard_normal((m, 2)).astype(dtype)
    right = X[:, 0] * X[:, 1] > 0
    return Examples(X, (right ^ (RNG.random(m) < noise)).astype(dtype))


def fitted(net: Net, sets: tuple[Examples, Examples, Examples], steps: int = 100) -> Fitted:
    clock = count()
    call = load("numba", "network").built(tuple(net))
    begin = start(net, 2, sets[0].X.dtype, "he", [3])
    return fit(call, *sets, begin, steps, lambda: float(next(clock)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_learn_what_logistic_regression_cannot(dtype: type) -> None:
    sets = drawn(400, 0.0, dtype), drawn(400, 0.0, dtype), drawn(400, 0.0, dtype)
    assert fitted(Net("relu", 2, 8), sets).held_out < 0.3
    alone = fitted(Net("relu", 0, 1), sets)
    assert alone.held_out > 0.65
    assert alone.trained < np.log(2) + 1e-6


def test_it_stops_where_other_examples_say_that_more_steps_do_not_help() -> None:
    """Forty examples, a fifth of them wrong: a net with 16 units learns them by heart."""
    examples, deciding, held_out = drawn(40, 0.2), drawn(2000, 0.2), drawn(2000, 0.2)
    stopped = fitted(Net("relu", 2, 16), (examples, deciding, held_out))
    by_heart = fitted(Net("relu", 2, 16), (examples, examples, held_out))
    assert 0 < stopped.steps < by_heart.steps
    assert stopped.held_out < by_heart.held_out
    assert by_heart.trained < stopped.trained


def test_looks_at_other_examples_are_not_timed() -> None:
    sets = drawn(60, 0.0), drawn(60, 0.0), drawn(60, 0.0)
    one = fitted(Net("relu", 1, 4), sets, steps=20)
    # a clock that ticks once between two readings: 2 for the fit's own, 2 for each of 4 looks, of which 1 counts
    assert one.seconds == 2 * 4 + 1 - 4


def test_the_last_parameters_may_count_as_well() -> None:
    """Looks come after five and ten steps; of a fit that decides by its own examples the twelfth step is the best."""
    examples = drawn(200, 0.1)
    assert fitted(Net("relu", 1, 8), (examples, examples, examples), steps=12).steps == 12


def test_the_first_call_which_compiles_is_not_timed() -> None:
    events, examples, net = list[str](), drawn(50, 0.0), Net("relu", 1, 4)
    compute = load("numpy", "network").built(tuple(net))

    def call(*arguments: Any) -> Any:
        events.append("call")
        return compute(*arguments)

    def now() -> float:
        events.append("clock")
        return 0.0

    fit(call, examples, examples, examples, start(net, 2, examples.X.dtype, "he", [3]), 3, now)
    assert events.index("clock") == 1
