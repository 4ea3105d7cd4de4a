"""The backends: where a kernel's arrays live, and how to wait for a result.

They are separate from the kernels because several kernels share one backend, and because the measuring code places
arrays and waits for results, while a kernel only computes.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from kernels import _jit_cache
from kernels.contract import Array, Backend, BackendUnavailable


def _place_in_memory(array: Any) -> Array:
    return np.asarray(array)[()]  # [()] makes a scalar of a 0-d array


def _place_all_in_memory(arrays: Sequence[Any]) -> list[Array]:
    return [array[()] for array in arrays]


def _no_wait(result: Any) -> Any:
    return result


def _round_to(array: Array, dtype: np.dtype[Any]) -> np.ndarray:
    return np.asarray(array, dtype=dtype)


def _keep_dtype(array: Array, dtype: np.dtype[Any]) -> np.ndarray:
    # A Python float (numpy.float64 is a subclass) is a sum kept in double: it is rounded to the dtype. An
    # array keeps its dtype, so that the checks notice one in the wrong precision.
    return np.asarray(array, dtype=dtype) if isinstance(array, float) else np.asarray(array)


def _require_numpy(array: Array, dtype: np.dtype[Any]) -> np.ndarray:
    # A lazy array of another library would be computed during this conversion, after the timer has stopped.
    if not isinstance(array, (np.ndarray, np.generic, float)):
        kind = type(array)
        raise TypeError(f"a {kind.__module__}.{kind.__qualname__}; expected NumPy's own, or a Kernel with a backend")
    return _keep_dtype(array, dtype)


PYTHON = Backend("python", "cpu", lambda array: np.asarray(array).tolist(), _no_wait, _round_to)
"""Nested lists of Python floats. Computes in double whatever the dtype, and rounds once at the end."""

NUMPY = Backend("numpy", "cpu", _place_in_memory, _no_wait, _require_numpy)
"""NumPy arrays in this process's memory, for NumPy, Numba and everything else that accepts them."""


_PlaceAll: TypeAlias = Callable[[Sequence[Any]], Sequence[Array]]
_KNOWN: list[tuple[Backend, _PlaceAll | None]] = [(PYTHON, None), (NUMPY, _place_all_in_memory)]
"""The project's backends, and how each places many arrays or NumPy scalars; None: one by one. This is no field of
`Backend`, so that a backend of the user's own never gets the arguments of several calls together."""


def is_known(backend: Backend) -> bool:
    """Whether this is one of the project's backends: what it does to place an array is known to be no more."""
    return any(backend is known for known, _ in _KNOWN)  # not by ==, which a subclass may define


def place_all(backend: Backend, arrays: Sequence[Any]) -> Sequence[Array]:
    """What `asarray` makes of each, in less time where a backend of the project's can place many at once."""
    at_once = next((at_once for known, at_once in _KNOWN if backend is known), None)
    return at_once(arrays) if at_once else [backend.asarray(array) for array in arrays]


def _known(backend: Backend, at_once: _PlaceAll | None = None) -> Backend:
    _KNOWN.append((backend, at_once))
    return backend


@cache
def jax(device: str) -> Backend:
    """JAX on the first device of this kind ("cpu" or "gpu"), in 64-bit mode, so that float64 stays float64.

    JAX stores a matrix by rows whatever its order was, so `F` workloads measure the same layout as `C`.
    """
    import jax

    jax.config.update("jax_enable_x64", True)

    @cache  # without an exception, which would be raised again
    def target() -> Any:
        try:
            return jax.devices(device)[0]
        except RuntimeError as error:
            message = str(error).strip().partition("\n")[0]
            # "Unknown backend" means no such device; any other message is that of a driver that failed
            detail = "" if message.startswith("Unknown backend") else f": {message}"
            raise BackendUnavailable(f"JAX sees no {device.upper()} here{detail}") from error

    def asarray(array: Any) -> Array:
        return jax.device_put(array, target()).block_until_ready()

    def at_once(arrays: Sequence[Any]) -> list[Array]:
        placed: list[Array] = jax.block_until_ready(jax.device_put(list(arrays), target()))
        return placed

    return _known(Backend(f"jax-{device}", device, asarray, jax.block_until_ready, _keep_dtype), at_once)


@cache
def torch(compiles: bool = False) -> Backend:
    """PyTorch on the CPU, on the memory of the NumPy arrays. OMP_NUM_THREADS sets its number of threads.

    compiles: whether the kernel uses torch.compile, which needs a C++ compiler.
    """
    import torch

    def asarray(array: Any) -> Array:
        if compiles and (requirement := _prepare_inductor()):
            raise BackendUnavailable(f"torch.compile needs {requirement}")
        return torch.from_dlpack(np.asarray(array))  # from_numpy would warn about read-only arrays

    def asnumpy(array: Array, _dtype: np.dtype[Any]) -> np.ndarray:
        # a solver around a gradient of PyTorch's keeps its coefficients in NumPy's arrays
        if not isinstance(array, (torch.Tensor, np.ndarray, np.generic)):
            raise TypeError(f"a {type(array).__name__}; expected a tensor")
        return np.asarray(array)

    return _known(Backend("torch-cpu", "cpu", asarray, _no_wait, asnumpy))


@cache
def _prepare_inductor() -> str:
    """Configure torch.compile's compiler. Returns what this machine lacks and what to do, or an empty string."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        return f"a C++ compiler, and there is no {compiler}: install it, or set CXX to another"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python.h: install Python's headers (for example, the package python3-dev)"
    _jit_cache.keep_torch_code()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's own, at import
        import torch._dynamo
        import torch._inductor.compile_fx
    dynamo, inductor = torch._dynamo.config, torch._inductor.config
    inductor.compile_threads = 1  # compile in the worker, without further processes
    inductor.cpp_cache_precompile_headers = False  # they would be stored outside the checkout, and persist
    dynamo.recompile_limit = dynamo.accumulated_recompile_limit = sys.maxsize  # one version for each workload
    return ""
