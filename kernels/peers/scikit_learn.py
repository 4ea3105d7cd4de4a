"""sklearn: what scikit-learn's LogisticRegression evaluates in each step of its lbfgs solver.

Its LinearModelLoss with its half-binomial loss, compiled and fused (loss and dz in one pass over z), without a
penalty, and its loop on one thread, as that solver calls it whatever n_jobs is; both products are NumPy's. These are
private modules of scikit-learn, the only door to this computation.
"""

import numpy as np
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.linear_model._linear_loss import LinearModelLoss

from kernels.backends import NUMPY
from kernels.contract import Array, Gradient, Kernel

_LOSS = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=True)


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """scikit-learn keeps the intercept behind the weights, in one vector."""
    coef = np.empty(len(w) + 1, w.dtype)  # np.append takes 1 µs longer
    coef[:-1], coef[-1] = w, b
    J, coef_gradient = _LOSS.loss_gradient(coef, X, y)
    return Gradient(J, coef_gradient[:-1], coef_gradient[-1])


SKLEARN = Kernel("sklearn", NUMPY, "scikit-learn's own loss and gradient", 2, gradient)
