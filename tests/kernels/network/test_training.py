"""Gradient descent of a network: it stops at the target, where it diverges, and at the budget."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

from kernels import load
from kernels.network.net import Net
from kernels.network.peers import scikit_learn
from kernels.network.training import STARTS, start, train

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(float)
"""Exclusive or: no logistic regression separates it."""


def trained(net: Net, rate: float, target: float, budget: int, seed: int = 1, initialisation: str = "he"):  # type: ignore[no-untyped-def]
    clock = count()
    call = load("numpy", "network").built(tuple(net))
    begin = start(net, 2, X.dtype, initialisation, [seed])
    return train(net, call, X, Y, begin, rate, target, budget, lambda: float(next(clock)))


def test_it_stops_at_the_target_and_counts_steps_and_seconds() -> None:
    one = trained(Net("relu", 1, 16), 0.5, 0.2, 2000)
    assert one.steps is not None
    assert 10 < one.steps < 2000
    assert one.cost <= 0.2
    assert one.seconds == one.steps  # a clock that ticks once between its two readings in each step
    at_once = trained(Net("relu", 1, 16), 0.5, 10.0, 2000)
    assert (at_once.steps, at_once.seconds) == (0, 0.0)


def test_a_budget_that_is_used_up_and_a_descent_that_diverges_are_censored() -> None:
    short = trained(Net("relu", 1, 16), 1e-6, 0.1, 5)
    assert (short.steps, short.seconds) == (None, 5.0)
    wild = trained(Net("relu", 2, 16), 1e200, 0.1, 50)
    assert wild.steps is None
    assert not np.isfinite(wild.cost)


def test_norms_are_of_every_layer_at_the_start_and_at_the_end() -> None:
    one = trained(Net("sigmoid", 3, 8), 0.1, 0.0, 3, initialisation="glorot")
    assert [len(norms) for norms in one.norms] == [4, 4]
    assert one.norms[0] != one.norms[1]
    assert one.norms[0][0] < one.norms[0][-1] / 10  # what the slopes of σ, ¼ at most, leave of it
    assert one.dead == 0


def test_dead_units_are_those_that_are_zero_for_every_example() -> None:
    net, call = Net("relu", 1, 4), load("numpy", "network").built(("relu", 1, 4))
    parameters = [np.zeros((2, 4)), np.array([1.0, -1.0, -1.0, 1.0]), np.ones(4), np.zeros(())]
    one = train(net, call, X, Y, parameters, 1e-9, 0.0, 1, lambda: 0.0)
    assert one.dead == 0.5


@pytest.mark.parametrize(("initialisation", "variance"), [("he", 2 / 300), ("glorot", 2 / 500)])
def test_starts_have_their_variance_and_the_same_seed_starts_the_same(initialisation: str, variance: float) -> None:
    net = Net("relu", 1, 200)
    W, bias, w, b = start(net, 300, np.dtype(float), initialisation, [3])
    assert W.var() == pytest.approx(variance, rel=0.03)  # of 60,000 numbers: 5 standard deviations
    assert not bias.any()
    assert not b.any()
    again = start(net, 300, np.dtype(float), initialisation, [3])
    assert all(np.array_equal(one, other) for one, other in zip((W, bias, w, b), again, strict=True))
    assert {"he", "glorot"} == set(STARTS)


def test_scikit_learns_descent_is_the_same_from_the_same_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its start put in place of ours, the cost before every step is the same."""
    from sklearn.neural_network import MLPClassifier

    net, seen = Net("sigmoid", 2, 5), []
    made = MLPClassifier._init_coef

    def init(self: Any, *arguments: Any) -> Any:
        seen.append([part.copy() for part in made(self, *arguments)])
        return tuple(part.copy() for part in seen[-1])

    monkeypatch.setattr(MLPClassifier, "_init_coef", init)
    theirs = scikit_learn.train(net, X, Y, 3, 0.5, 0.0, 20, lambda: 0.0)
    parameters = [part for pair in seen for part in pair]
    begin = [*parameters[:-2], parameters[-2][:, 0], parameters[-1][0]]
    call = load("numpy", "network").built(tuple(net))
    ours = train(net, call, X, Y, begin, 0.5, 0.0, 20, lambda: 0.0)
    assert theirs.cost == pytest.approx(ours.cost, rel=1e-12)
    assert theirs.steps is ours.steps is None


@pytest.mark.parametrize(
    ("rate", "message"), [(float("nan"), "learning rate is nan"), (-0.1, "learning rate is -0.1")]
)
def test_a_rate_that_makes_no_sense_is_one_line(rate: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trained(Net("relu", 1, 4), rate, 0.2, 10)


def test_a_start_that_is_not_finite_is_one_line() -> None:
    net = Net("relu", 2, 4)
    begin = start(net, 2, X.dtype, "he", [1])
    begin[2][1, 1] = np.nan
    with pytest.raises(ValueError, match="W2 starts with a number that is not finite; expected finite ones"):
        train(net, load("numpy", "network").built(tuple(net)), X, Y, begin, 0.1, 0.2, 10, lambda: 0.0)
