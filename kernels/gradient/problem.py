"""The problem and the result of a logistic-regression gradient.

They have a file of their own because the reference, the probes and every kernel of this operation need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from kernels.contract import Array


class Gradient(NamedTuple):
    """What a kernel returns: the cost J of the training set and its gradient.

    In the problem's dtype. A scalar may also be a Python float: a sum that was kept in double.
    """

    cost: Array
    """J = (1/m) Σ_i L_i, a scalar, in nats per example."""
    dw: Array
    """∂J/∂w, shape (n,)."""
    db: Array
    """∂J/∂b, a scalar."""


@dataclass(frozen=True, eq=False)
class Problem:
    """One logistic-regression gradient to compute, validated on construction.

    X: (m, n), float32 or float64, C or Fortran order (an array with other strides is copied to C order)
    y: (m,), X's dtype, every label 0 or 1
    w: (n,), X's dtype
    b: a scalar, rounded to X's dtype

    The arrays are kept as read-only views. Two problems are equal only if they are the same object.

    Raises ValueError, which names the argument and its bad value, unless shapes and dtypes are these, all
    values are finite, there is at least one example and one feature, and no sum can overflow:
    m · max|x_ij| and m · max_i (Σ_j |x_ij w_j| + |b|) are at most max(dtype) / 4.
    """

    X: np.ndarray
    y: np.ndarray
    w: np.ndarray
    b: Any

    def __post_init__(self) -> None:
        X = _matrix(self.X)
        m, n = X.shape
        y = _vector("y", self.y, X.dtype, m, "one label for each row of X")
        if (invalid := np.unique(y[(y != 0) & (y != 1)])).size:
            listed = ", ".join(f"{label:g}" for label in invalid[:5]) + (", ..." if invalid.size > 5 else "")
            raise ValueError(f"y holds the labels {listed}; every label must be 0 or 1")
        w = _vector("w", self.w, X.dtype, n, "one weight for each column of X")
        b = np.asarray(self.b)
        if b.ndim or b.dtype.kind not in "fiu":
            raise ValueError(f"b is {self.b!r}; expected one real number")
        with np.errstate(over="ignore"):  # a value too large for the dtype becomes inf, and is refused below
            b = b.astype(X.dtype)
        _finite("b", b)
        _within_range(X, w, float(b))
        for name, value in {"X": X, "y": y, "w": w, "b": b[()]}.items():
            object.__setattr__(self, name, value)

    @property
    def m(self) -> int:
        """The number of examples."""
        return int(self.X.shape[0])

    @property
    def n(self) -> int:
        """The number of features."""
        return int(self.X.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64, of every array."""
        return self.X.dtype

    @property
    def order(self) -> Literal["C", "F"]:
        """C if the rows of X are contiguous, F if its columns are."""
        return "C" if self.X.flags.c_contiguous else "F"


def _matrix(value: object) -> np.ndarray:
    X = np.asarray(value)
    if X.dtype not in (np.float32, np.float64):
        raise ValueError(f"X holds {X.dtype}; expected float32 or float64 (convert it with .astype)")
    if X.ndim != 2:
        raise ValueError(f"X has shape {X.shape}; expected (m, n), a row for each example")
    if 0 in X.shape:
        missing = "examples (rows)" if X.shape[0] == 0 else "features (columns)"
        raise ValueError(f"X has shape {X.shape}: no {missing}; expected at least one")
    if not (X.flags.c_contiguous or X.flags.f_contiguous):
        X = np.ascontiguousarray(X)
    return _finite("X", X)


def _vector(name: str, value: object, dtype: np.dtype[Any], size: int, meaning: str) -> np.ndarray:
    vector = np.asarray(value)
    if vector.shape != (size,):
        raise ValueError(f"{name} has shape {vector.shape}; expected ({size},), {meaning}")
    if vector.dtype != dtype:
        raise ValueError(f"{name} holds {vector.dtype}; expected {dtype}, the dtype of X")
    return _finite(name, np.ascontiguousarray(vector))


def _finite(name: str, array: np.ndarray) -> np.ndarray:
    """A read-only view of the array. Raises ValueError if it holds NaN or infinity."""
    # min and max propagate NaN, and need no temporary array of this size
    if not (np.isfinite(array.min()) and np.isfinite(array.max())):
        first = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
        position = f"[{', '.join(str(index) for index in first)}]" if first else ""
        raise ValueError(f"{name}{position} is {array[first]}; every value must be finite")
    array = array.view()
    array.flags.writeable = False
    return array


def _within_range(X: np.ndarray, w: np.ndarray, b: float) -> None:
    limit = float(np.finfo(X.dtype).max) / 4 / X.shape[0]
    largest = float(max(X.max(), -X.min()))
    if largest > limit:
        raise ValueError(
            f"X reaches {largest:.3g}: a sum over {X.shape[0]} examples could overflow {X.dtype}; "
            f"expected |X| ≤ {limit:.3g} (scale the features)"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        absw = np.abs(w, dtype=np.float64)
        if largest * absw.sum() + abs(b) <= limit:  # no score can be larger than the left side
            return
        scores = np.abs(X, dtype=np.float64) @ absw + abs(b)
    if scores.max() > limit:
        raise ValueError(
            f"w, b and row {int(scores.argmax())} of X are so large that scores could overflow {X.dtype}; "
            f"expected Σ_j |x_ij w_j| + |b| ≤ {limit:.3g} (scale the features)"
        )
