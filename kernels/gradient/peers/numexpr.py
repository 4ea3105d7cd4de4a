"""numexpr: the expressions between the two products compiled by NumExpr, which goes through them in blocks on all
threads; the products are NumPy's.

An expression of NumPy's reads and writes m numbers for each operation. NumExpr does all operations of a formula on a
block of numbers while these are in the L1 cache, so that only its arguments and its result pass through memory. Its
own sums run on one thread, and are left to NumPy.
"""

import numexpr

from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """With t = 1 − 2y, s = t z and e = e^−|s|:  L = softplus(s) = max(s, 0) + log1p(e),  dz = t σ(s)."""
    s = _evaluate("(1 - 2 * y) * (z + b)", y=y, z=X @ w, b=b)
    e = _evaluate("exp(-abs(s))", s=s)
    J = _evaluate("where(s > 0, s, 0) + log1p(e)", s=s, e=e).mean()
    dz = _evaluate("(1 - 2 * y) * where(s >= 0, 1, e) / (1 + e)", y=y, s=s, e=e)
    return Gradient(J, dz @ X / len(y), dz.mean())


def _evaluate(expression: str, **arrays: Array) -> Array:
    """In the arrays' dtype. `sanitize` is for expressions that come from elsewhere."""
    return numexpr.evaluate(expression, local_dict=arrays, global_dict={}, sanitize=False)


NUMEXPR = Kernel("numexpr", NUMPY, "NumPy's products, and between them formulas that NumExpr compiles", 2, gradient)
