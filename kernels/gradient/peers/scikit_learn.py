"""sklearn: what scikit-learn's LogisticRegression evaluates in each step of its lbfgs solver.

This is LinearModelLoss with HalfBinomialLoss, which is compiled and computes loss and dz in one pass over z. It has
no penalty, and runs on one thread, as that solver calls it whatever n_jobs is. Both products are NumPy's. These
modules of scikit-learn are private, but no public function gives access to this computation.

Its penalty is l2/2 · |w|² with l2 = 0. Where |w|² overflows, 0 · ∞ makes the cost nan: the call fails and says so.
"""

from math import isnan

import numpy as np
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.linear_model._linear_loss import LinearModelLoss

from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient

_LOSS = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=True)


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """scikit-learn has one vector of coefficients: the weights, then the intercept."""
    coef = np.empty(len(w) + 1, w.dtype)  # np.append takes 1 µs longer
    coef[:-1], coef[-1] = w, b
    J, coef_gradient = _LOSS.loss_gradient(coef, X, y)
    if isnan(J) and not np.isfinite(w @ w):
        raise FloatingPointError("scikit-learn's cost is nan where |w|² overflows")
    return Gradient(J, coef_gradient[:-1], coef_gradient[-1])


SKLEARN = Kernel("sklearn", NUMPY, "scikit-learn's own loss and gradient; fails where |w|² overflows", 2, gradient)
