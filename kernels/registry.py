"""Which kernels there are, by name, and how a user brings another.

A literal table, so that listing the kernels imports none of them.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import BackendUnavailable, Kernel

KERNELS = {
    "loops": "kernels.python_loops:LOOPS",
    "loops-examples": "kernels.numpy_loops:LOOPS_EXAMPLES",
    "numpy": "kernels.numpy_vectorized:NUMPY_VECTORIZED",
    "numpy-blocked": "kernels.numpy_blocked:NUMPY_BLOCKED",
    "numba-loops": "kernels.numba_loops:NUMBA_LOOPS",
    "jax": "kernels.jax_jit:JAX",
    "jax-autodiff": "kernels.jax_autodiff:JAX_AUTODIFF",
    "jax-blocked": "kernels.jax_blocked:JAX_BLOCKED",
    "numba": "kernels.numba_fused:NUMBA",
    "numba-serial": "kernels.numba_fused:NUMBA_SERIAL",
    "numba-parallel": "kernels.numba_fused:NUMBA_PARALLEL",
    "jax-gpu": "kernels.jax_jit:JAX_GPU",
    "jax-autodiff-gpu": "kernels.jax_autodiff:JAX_AUTODIFF_GPU",
    "sklearn": "kernels.peers.scikit_learn:SKLEARN",
    "torch": "kernels.peers.torch:TORCH",
    "torch-compile": "kernels.peers.torch:TORCH_COMPILE",
}

ON_REQUEST = ("numba-serial", "numba-parallel", "torch", "torch-compile")
"""Which race only where they are named: the first two show what `numba` chooses between, PyTorch is an extra."""

_EXTRAS = {"torch": "peers"}
"""Library → the extra that installs it; the others come with the project."""


def names() -> tuple[str, ...]:
    """The registered kernels, from the for-loops up."""
    return tuple(KERNELS)


def identify(spec: str) -> str:
    """The name that a kernel has in results: its own, or `stem:ATTRIBUTE` for one that a user brings.

    Raises ValueError, with the nearest names, if there is no such kernel; a file is not opened yet.
    """
    if spec in KERNELS:
        return spec
    module, colon, attribute = spec.rpartition(":")
    if not colon:
        near = ", ".join(difflib.get_close_matches(spec, KERNELS, n=3) or KERNELS)
        raise ValueError(f"no kernel is called {spec!r}; the nearest: {near}; your own: path/to/file.py:ATTRIBUTE")
    if not (module and attribute.isidentifier()):
        raise ValueError(
            f"{spec!r} names no attribute; expected path/to/file.py:ATTRIBUTE or package.module:ATTRIBUTE"
        )
    return f"{_stem(module)}:{attribute}"


def load(spec: str) -> Kernel:
    """The kernel of that name, imported now.

    spec: a registered name, "package.module:ATTRIBUTE" or "path/to/file.py:ATTRIBUTE". The attribute is a
    Kernel, or a plain function gradient(X, y, w, b) on NumPy arrays that returns (cost, dw, db).

    Raises BackendUnavailable(reason) where this machine lacks a library or a device that a registered
    kernel needs, and ValueError if there is no such kernel, file or attribute, or the file fails to import.
    """
    name = identify(spec)
    if spec in KERNELS:
        module, _, attribute = KERNELS[spec].partition(":")
        try:
            kernel: Kernel = getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            raise BackendUnavailable(_why_not(error)) from error
    else:
        kernel = _from_user(spec, name)
    kernel.backend.asarray(np.float64(0))  # a backend is there if it can place a number
    return kernel


def error_line(error: BaseException) -> str:
    """An exception in one line: its type, and the first line of what it says."""
    try:
        said = str(error).strip().partition("\n")[0]
    except Exception:  # a user's exception may fail even at that
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def missing(library: str) -> str:
    """That a library is not installed, with the command that installs it where an extra does."""
    hint = f": pip install -c constraints.txt '.[{_EXTRAS[library]}]'" if library in _EXTRAS else ""
    return f"{library} is not installed{hint}"


def _why_not(error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return missing(error.name.partition(".")[0])
    return error_line(error)


def _from_user(spec: str, name: str) -> Kernel:
    location, _, attribute = spec.rpartition(":")
    try:
        module = _module_at(Path(location)) if location.endswith(".py") else importlib.import_module(location)
    except FileNotFoundError:
        raise ValueError(f"{spec}: there is no file {location}") from None
    except (Exception, SystemExit) as error:  # whatever the user's own code raises while it is imported
        raise ValueError(f"{spec}: importing it raised {error_line(error)}") from error
    found = getattr(module, attribute, None)
    if isinstance(found, Kernel):
        return replace(found, name=name)
    if callable(found):
        first_line = (found.__doc__ or "").strip().partition("\n")[0]
        return Kernel(name, NUMPY, first_line or "a function on NumPy arrays", None, found)
    public = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    if found is None:
        raise ValueError(f"{spec}: no attribute {attribute!r} in it; it has {', '.join(public) or 'no function'}")
    raise ValueError(f"{spec}: {attribute} is a {type(found).__name__}; expected a Kernel or a function")


def _module_at(path: Path) -> ModuleType:
    module_name = f"_kernel_file_{_stem(str(path))}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and caches look themselves up there
    spec.loader.exec_module(module)
    return module


def _stem(module: str) -> str:
    return Path(module).stem if module.endswith(".py") else module.rpartition(".")[2]
