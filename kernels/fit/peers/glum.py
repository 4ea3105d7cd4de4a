"""glum-irls, glum-lbfgs: glum's GeneralizedLinearRegressor with the binomial family, by two of its solvers: irls-ls,
its choice for an l2 penalty, and lbfgs.

Its objective is half the mean deviance and alpha |w|²/2, which is F for alpha = λ. Both solvers stop where max|∇F| ≤
gradient_tol, the optimum's tolerance. (lbfgs may stop before, where F no longer falls by more than its rounding
errors: then it is "not reached".) Validating X and y is a part of the call, as it is for everyone who fits with it.
SciPy's own products are made on one thread (scipy_blas.py). Of data with a single feature glum 3.4 raises a
ValueError for any start.
"""

from __future__ import annotations

import warnings
from math import nan
from typing import Any, Literal

import numpy as np
from glum import GeneralizedLinearRegressor

from kernels._scipy_blas import on_one_thread
from kernels.backends import NUMPY
from kernels.contract import Array, Call, Kernel
from kernels.fit.problem import Fit, Settings

Solver = Literal["irls-ls", "lbfgs"]


def _kernel(name: str, solver: Solver) -> Kernel:
    def build(static: Settings) -> Call:
        settings = Settings(*static)

        def fit(X: Array, y: Array, w: Array, b: Array) -> Fit:
            model: Any = GeneralizedLinearRegressor(
                family="binomial",
                alpha=settings.penalty,
                l1_ratio=0,
                solver=solver,
                gradient_tol=float(settings.tolerance_for(X.dtype)),
                max_iter=settings.budget,
                start_params=np.append(b, w),
            )
            with warnings.catch_warnings(), on_one_thread():
                warnings.simplefilter("ignore")  # the judge says whether it got there
                model.fit(X, y)
            answer = np.append(model.coef_, model.intercept_).astype(X.dtype)
            evaluations = np.array([0, model.n_iter_], X.dtype)
            return Fit(np.stack([w, answer[:-1]]), np.append(b, answer[-1]), evaluations, X.dtype.type(nan))

        return fit

    summary = f"glum's GeneralizedLinearRegressor, binomial, solver={solver!r}; its evaluations are its iterations"
    return Kernel(name, NUMPY, summary, None, build=build, operation="fit")


IRLS, LBFGS = _kernel("glum-irls", "irls-ls"), _kernel("glum-lbfgs", "lbfgs")
