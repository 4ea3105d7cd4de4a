"""Where a kernel's arrays live, and how to wait for a result: one value for each place.

They are apart from the kernels because several kernels share one, and because placing and waiting are
the measuring's business while a kernel only computes.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kernels import _jit_cache
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


@cache
def torch(compiles: bool = False) -> Backend:
    """PyTorch on the CPU, on NumPy's own memory; its threads are those of OMP_NUM_THREADS.

    compiles: whether it takes torch.compile's compiler, which needs one for C++.
    """
    import torch

    def asarray(array: Any) -> Array:
        if compiles and (lacking := _inductor_lacks()):
            raise BackendUnavailable(f"torch.compile needs {lacking}")
        return torch.from_dlpack(np.asarray(array))  # from_numpy warns of what is read-only

    def asnumpy(array: Array, _dtype: np.dtype[Any]) -> np.ndarray:
        if not isinstance(array, torch.Tensor):
            raise TypeError(f"a {type(array).__name__}; expected a tensor")
        return np.asarray(array)

    return Backend("torch-cpu", "cpu", asarray, _itself, asnumpy)


@cache
def _inductor_lacks() -> str:
    """Make torch.compile's compiler ready. Returns what this machine lacks for it, and what to do; else nothing."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        return f"a C++ compiler, and there is no {compiler}: install it, or name another in CXX"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python.h to compile with: install Python's headers (python3-dev, for one)"
    _jit_cache.keep_torch_code()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own, while it is imported
        import torch._dynamo
        import torch._inductor.compile_fx
    dynamo, inductor = torch._dynamo.config, torch._inductor.config
    inductor.compile_threads = 1  # no processes beside the worker's
    inductor.cpp_cache_precompile_headers = False  # they would be kept outside of the checkout, from run to run
    dynamo.recompile_limit = dynamo.accumulated_recompile_limit = sys.maxsize  # a version for each workload
    return ""
