"""sklearn-lbfgs, sklearn-newton-cg, sklearn-newton-cholesky: scikit-learn's LogisticRegression with each solver.

Its objective is C Σ_i L_i + |w|²/2, which is m C times F for λ = 1 / (m C). All three solvers stop where max|∇F| ≤
tol, so the loosest tol with which they can reach the optimum is the tolerance itself. (lbfgs may stop before, where F
no longer falls by more than its rounding errors: then it is "not reached".) The start is passed as coefficients of an
earlier fit. Validating and copying X and y is a part of the call, as it is for everyone who calls `fit`. SciPy's own
products are made on one thread, which makes these kernels up to twice as fast (scipy_blas.py).
"""

from __future__ import annotations

import warnings
from math import inf, nan
from typing import Literal

import numpy as np
from sklearn.linear_model import LogisticRegression

from kernels._scipy_blas import on_one_thread
from kernels.backends import NUMPY
from kernels.contract import Array, Call, Kernel
from kernels.fit.problem import Fit, Settings

Solver = Literal["lbfgs", "newton-cg", "newton-cholesky"]


def _kernel(solver: Solver) -> Kernel:
    def build(static: Settings) -> Call:
        settings = Settings(*static)

        def fit(X: Array, y: Array, w: Array, b: Array) -> Fit:
            model = LogisticRegression(
                C=1 / (settings.penalty * len(y)) if settings.penalty else inf,
                tol=settings.tolerance_for(X.dtype),
                solver=solver,
                max_iter=settings.budget,
                warm_start=True,
            )
            model.coef_, model.intercept_ = w[np.newaxis].copy(), np.array([b])
            with warnings.catch_warnings(), on_one_thread():
                warnings.simplefilter("ignore")  # the judge says whether it got there
                model.fit(X, y)
            coefficients, intercept = model.coef_[0].astype(X.dtype), model.intercept_.astype(X.dtype)
            evaluations = np.array([0, model.n_iter_[0]], X.dtype)
            return Fit(np.stack([w, coefficients]), np.append(b, intercept), evaluations, X.dtype.type(nan))

        return fit

    summary = f"scikit-learn's LogisticRegression(solver={solver!r}); its evaluations are its iterations"
    return Kernel(f"sklearn-{solver}", NUMPY, summary, None, build=build, operation="fit")


LBFGS, NEWTON_CG, NEWTON_CHOLESKY = _kernel("lbfgs"), _kernel("newton-cg"), _kernel("newton-cholesky")
