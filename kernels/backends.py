"""Where a kernel's arrays live, and how to wait for a result: one value for each place.

They are apart from the kernels because several kernels share one, and because placing and waiting are
the measuring's business while a kernel only computes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from kernels.contract import Array, Backend, BackendUnavailable


def _in_memory(array: Any) -> Array:
    return np.asarray(array)[()]  # an array as it is, a 0-d one as a scalar


def _itself(result: Any) -> Any:
    return result


def _rounded_once(array: Array, dtype: np.dtype[Any]) -> np.ndarray:
    return np.asarray(array, dtype=dtype)


def _as_it_is(array: Array, dtype: np.dtype[Any]) -> np.ndarray:
    # A Python float (numpy.float64 is one) is a sum kept wider than its dtype: it is rounded once. An
    # array keeps its dtype, so that one in the wrong precision is seen.
    return np.asarray(array, dtype=dtype) if isinstance(array, float) else np.asarray(array)


def _numpys_own(array: Array, dtype: np.dtype[Any]) -> np.ndarray:
    # Anything else might compute only when it is looked at, after the timer has stopped.
    if not isinstance(array, (np.ndarray, np.generic, float)):
        kind = type(array)
        raise TypeError(f"a {kind.__module__}.{kind.__qualname__}; expected NumPy's own, or a Kernel with a backend")
    return _as_it_is(array, dtype)


PYTHON = Backend("python", "cpu", lambda array: np.asarray(array).tolist(), _itself, _rounded_once)
"""Nested lists of Python floats. It computes in double whatever the dtype, and rounds once at the end."""

NUMPY = Backend("numpy", "cpu", _in_memory, _itself, _numpys_own)
"""NumPy arrays in this process's memory, for NumPy, Numba and everything that takes them."""


@cache
def jax(device: str) -> Backend:
    """JAX on the first device of that kind ("cpu" or "gpu"), in 64-bit mode, so that float64 stays float64.

    JAX stores a matrix by rows whatever order it had, so `F` workloads measure the same layout as `C`.
    """
    import jax

    jax.config.update("jax_enable_x64", True)

    def asarray(array: Any) -> Array:
        try:
            place = jax.devices(device)[0]
        except RuntimeError as error:
            said = str(error).strip().partition("\n")[0]
            why = "" if said.startswith("Unknown backend") else f": {said}"  # a driver that failed says more
            raise BackendUnavailable(f"JAX sees no {device.upper()} here{why}") from error
        return jax.block_until_ready(jax.device_put(array, place))

    return Backend(f"jax-{device}", device, asarray, jax.block_until_ready, _as_it_is)
