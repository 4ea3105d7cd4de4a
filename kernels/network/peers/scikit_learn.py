"""The same descents by scikit-learn: MLPClassifier with stochastic gradient descent whose batch is all examples.

No momentum, no penalty, a constant rate. Its start is uniform, with a variance of 2 / (inputs + units) for ReLU and a
third of that for sigmoids; `loss_curve_` has the cost before each step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import inf, isfinite

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from kernels.network.net import Net
from kernels.network.training import Training

_UNITS = {"relu": "relu", "sigmoid": "logistic"}


def train(
    net: Net,
    X: np.ndarray,
    y: np.ndarray,
    seed: int,
    rate: float,
    target: float,
    budget: int,
    now: Callable[[], float],
) -> Training:
    """As training.train, from scikit-learn's own start. Norms are not looked at."""
    model = MLPClassifier(
        hidden_layer_sizes=(net.width,) * net.layers,
        activation=_UNITS[net.activation],
        solver="sgd",
        alpha=0.0,
        batch_size=len(y),
        learning_rate="constant",
        learning_rate_init=rate,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        random_state=seed,
    )
    began, cost, steps = now(), inf, 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        while steps <= budget:
            try:
                model.partial_fit(X, y, classes=(0.0, 1.0))
            except ValueError:  # the descent diverged: its parameters are not finite
                cost = inf
                break
            cost = float(model.loss_curve_[-1])
            if cost <= target or not isfinite(cost):
                break
            steps += 1
    seconds, nothing = now() - began, [0.0] * (net.layers + 1)
    return Training(steps if cost <= target else None, seconds, cost, [nothing, nothing], 0.0)
