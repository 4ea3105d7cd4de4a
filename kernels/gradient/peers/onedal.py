"""onedal: Intel oneDAL's cross-entropy loss, with its value and gradient from one pass over X, by way of daal4py.

oneDAL's own logistic loss is faster, but computes the loss of y = 0 as −log(1 − a), which loses all digits as a nears
1, and clips a (docs/rivals.md). The cross-entropy of softmax has log a_k for the label's own class instead:

    scores 0, z = Xw + b and −10⁴ of three classes:   a = softmax, so that a_1 = σ(z) and a_2 = 0,
    J = −(1/m) Σ log a_{y_i},   dw, db = the part of its gradient that belongs to class 1

oneDAL takes three classes or more, so the last one has no example. Its exp is that of −75 for smaller numbers, in
float64 that of −650: a loss is never larger.
"""

import os

import daal4py
import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient

_TYPES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
_NO_CLASS = -1e4
"""The score of the class that has no example."""
_LARGEST_SCORE = 75.0

if (_threads := os.environ.get("OMP_NUM_THREADS", "")).isdecimal():
    daal4py.daalinit(int(_threads))  # TBB reads no such variable


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """oneDAL has one column of coefficients: of each class, the intercept and then the weights."""
    m, n = X.shape
    loss = daal4py.optimization_solver_cross_entropy_loss(
        nClasses=3, numberOfTerms=m, fptype=_TYPES[X.dtype], interceptFlag=True, resultsToCompute="value|gradient"
    )
    beta = np.zeros((3, n + 1), X.dtype)
    beta[1, 0], beta[1, 1:], beta[2, 0] = b, w, _NO_CLASS
    arguments = X, y.reshape(m, 1), beta.reshape(-1, 1)
    loss.setup(*arguments)
    result = loss.compute(*arguments)
    (J,), (db, *_), dw = result.valueIdx[0], result.gradientIdx[n + 1], result.gradientIdx[n + 2 : 2 * n + 2, 0]
    return Gradient(J, dw, db)


ONEDAL = Kernel("onedal", NUMPY, "oneDAL's cross-entropy of three classes", 1, gradient, largest_score=_LARGEST_SCORE)
