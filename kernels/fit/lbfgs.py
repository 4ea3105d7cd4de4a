"""L-BFGS around any gradient kernel: SciPy's L-BFGS-B without bounds (Zhu, Byrd, Lu and Nocedal, ACM TOMS 23 (1997)).

Each step costs a gradient or two, and remembers the last ten. SciPy keeps the parameters in double. They are placed
for the kernel, and its gradient is brought back, once for each gradient. That is a part of the time, as it is for
everyone who drives a kernel of another library with SciPy. SciPy's own products are made on one thread
(scipy_blas.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from kernels._scipy_blas import on_one_thread
from kernels.contract import Array, Call, Kernel
from kernels.fit.path import Iterates
from kernels.fit.problem import Fit, Settings

_MEMORY = 10
"""SciPy's default."""


def driven(gradient: Kernel) -> Kernel:
    """The fit that SciPy's L-BFGS makes with this gradient kernel."""
    asarray, asnumpy = gradient.backend.asarray, gradient.backend.asnumpy

    def build(static: Settings) -> Call:
        settings, compute = Settings(*static), gradient.built(None)

        def fit(X: Array, y: Array, w: Array, b: Array) -> Fit:
            first = asnumpy(w, np.dtype(np.float64))  # an array keeps its dtype; Python's lists are double
            dtype = first.dtype
            start = np.append(first, asnumpy(b, dtype))
            path, count = Iterates(start), 0

            def penalised(v: np.ndarray) -> tuple[float, np.ndarray]:
                nonlocal count
                count += 1
                rounded = v.astype(dtype)
                J, dw, db = compute(X, y, asarray(rounded[:-1]), asarray(rounded[-1]))
                slope = np.append(asnumpy(dw, dtype), asnumpy(db, dtype)).astype(np.float64)
                slope[:-1] += settings.penalty * v[:-1]
                return float(J) + 0.5 * settings.penalty * float(v[:-1] @ v[:-1]), slope

            def keep(intermediate_result: OptimizeResult) -> None:
                path.add(intermediate_result.x.astype(dtype), count)

            options = {"maxcor": _MEMORY, "ftol": 0.0, "gtol": settings.tolerance_for(dtype)}
            options |= {"maxfun": settings.budget, "maxiter": settings.budget}
            begin = start.astype(np.float64)
            with on_one_thread():
                found = minimize(penalised, begin, jac=True, method="L-BFGS-B", callback=keep, options=options)
            path.end_at(found.x.astype(dtype), count)
            return path.fit(np.abs(found.jac).max())

        fit.compiles = (  # type: ignore[attr-defined]
            compute,
            lambda X, y, w, b: (X, y, _writable(w), b),
        )
        return fit

    summary = f"SciPy's L-BFGS around the gradient kernel {gradient.name}"
    return replace(gradient, summary=summary, passes=None, call=None, build=build, operation="fit", of=gradient.name)


def _writable(w: Array) -> Array:
    """For Numba, which compiles once for each type, a read-only array is another one."""
    return w.copy() if isinstance(w, np.ndarray) else w
