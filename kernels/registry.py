"""The table of kernels by name, and how a user's own kernel is loaded.

The table is a literal, so that listing the kernels imports none of them.
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

TECHNIQUES = {
    "loops": "python",
    "loops-examples": "numpy",
    "numpy": "numpy",
    "numpy-blocked": "numpy",
    "numba-loops": "numba",
    "jax": "jax",
    "jax-autodiff": "jax",
    "jax-blocked": "jax",
    "numba": "numba",
    "numba-serial": "numba",
    "numba-parallel": "numba",
    "jax-gpu": "jax",
    "jax-autodiff-gpu": "jax",
    "sklearn": "peer",
    "torch": "peer",
    "torch-compile": "peer",
}
"""What each kernel is written with: its colour on the page. Apart from KERNELS, whose form `race REV` reads."""

ON_REQUEST = ("numba-serial", "numba-parallel", "torch", "torch-compile")
"""Kernels that run only if named: the first two are what `numba` chooses between, and PyTorch is an extra."""

_EXTRAS = {"torch": "peers"}
"""Library → the extra that installs it. The other libraries are dependencies of the project."""


def names() -> tuple[str, ...]:
    """The names of the registered kernels, in the order of the ladder."""
    return tuple(KERNELS)


def identify(spec: str) -> str:
    """The name of a kernel in results: its registered name, or `stem:ATTRIBUTE` for a user's own.

    Does not open a file. Raises ValueError, with the nearest names, if there is no such kernel.
    """
    if spec in KERNELS:
        return spec
    module, colon, attribute = spec.rpartition(":")
    if not colon:
        nearest = ", ".join(difflib.get_close_matches(spec, KERNELS, n=3) or KERNELS)
        raise ValueError(f"no kernel is called {spec!r}; the nearest: {nearest}; your own: path/to/file.py:ATTRIBUTE")
    if not (module and attribute.isidentifier()):
        raise ValueError(
            f"{spec!r} names no attribute; expected path/to/file.py:ATTRIBUTE or package.module:ATTRIBUTE"
        )
    return f"{_stem(module)}:{attribute}"


def load(spec: str) -> Kernel:
    """Import the kernel of this name.

    spec: a registered name, "package.module:ATTRIBUTE" or "path/to/file.py:ATTRIBUTE". The attribute is a
    Kernel, or a plain function gradient(X, y, w, b) on NumPy arrays that returns (cost, dw, db).

    Raises BackendUnavailable(reason) if this machine lacks a library or a device that a registered kernel
    needs, and ValueError if there is no such kernel, file or attribute, or if importing the file fails.
    """
    name = identify(spec)
    if spec in KERNELS:
        module, _, attribute = KERNELS[spec].partition(":")
        try:
            kernel: Kernel = getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            raise BackendUnavailable(_import_failure(error)) from error
    else:
        kernel = _load_user_kernel(spec, name)
    kernel.backend.asarray(np.float64(0))  # a backend is available if it can place a number
    return kernel


def error_line(error: BaseException) -> str:
    """An exception in one line: its type, and the first line of its message."""
    try:
        message = str(error).strip().partition("\n")[0]
    except Exception:  # __str__ of a user's exception may raise, too
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def missing(library: str) -> str:
    """A message that a library is not installed, with the command if an extra installs it."""
    hint = f": pip install -c constraints.txt '.[{_EXTRAS[library]}]'" if library in _EXTRAS else ""
    return f"{library} is not installed{hint}"


def _import_failure(error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return missing(error.name.partition(".")[0])
    return error_line(error)


def _load_user_kernel(spec: str, name: str) -> Kernel:
    location, _, attribute = spec.rpartition(":")
    try:
        module = _import_file(Path(location)) if location.endswith(".py") else importlib.import_module(location)
    except FileNotFoundError:
        raise ValueError(f"{spec}: there is no file {location}") from None
    except (Exception, SystemExit) as error:  # importing a user's code may raise anything
        raise ValueError(f"{spec}: importing it raised {error_line(error)}") from error
    value = getattr(module, attribute, None)
    if isinstance(value, Kernel):
        return replace(value, name=name)
    if callable(value):
        first_line = (value.__doc__ or "").strip().partition("\n")[0]
        return Kernel(name, NUMPY, first_line or "a function on NumPy arrays", None, value)
    public = [key for key, item in vars(module).items() if callable(item) and not key.startswith("_")]
    if value is None:
        raise ValueError(f"{spec}: it has no attribute {attribute!r}, only {', '.join(public) or 'no function'}")
    raise ValueError(f"{spec}: {attribute} is a {type(value).__name__}; expected a Kernel or a function")


def _import_file(path: Path) -> ModuleType:
    module_name = f"_kernel_file_{_stem(str(path))}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and caches look up their own module there
    spec.loader.exec_module(module)
    return module


def _stem(module: str) -> str:
    return Path(module).stem if module.endswith(".py") else module.rpartition(".")[2]
