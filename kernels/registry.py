"""The tables of operations and kernels by name, and how a user's own kernel is loaded.

The tables are literals, so that listing the kernels imports none of them.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import BackendUnavailable, Kernel, Operation
from kernels.failures import error_line, import_failure

KERNELS = {
    "gradient": {
        "loops": "kernels.gradient.python_loops:LOOPS",
        "loops-examples": "kernels.gradient.numpy_loops:LOOPS_EXAMPLES",
        "numpy": "kernels.gradient.numpy_vectorized:NUMPY_VECTORIZED",
        "numpy-blocked": "kernels.gradient.numpy_blocked:NUMPY_BLOCKED",
        "numba-loops": "kernels.gradient.numba_loops:NUMBA_LOOPS",
        "jax": "kernels.gradient.jax_jit:JAX",
        "jax-autodiff": "kernels.gradient.jax_autodiff:JAX_AUTODIFF",
        "jax-blocked": "kernels.gradient.jax_blocked:JAX_BLOCKED",
        "numba": "kernels.gradient.numba_fused:NUMBA",
        "numba-serial": "kernels.gradient.numba_fused:NUMBA_SERIAL",
        "numba-parallel": "kernels.gradient.numba_fused:NUMBA_PARALLEL",
        "jax-gpu": "kernels.gradient.jax_jit:JAX_GPU",
        "jax-autodiff-gpu": "kernels.gradient.jax_autodiff:JAX_AUTODIFF_GPU",
        "sklearn": "kernels.gradient.peers.scikit_learn:SKLEARN",
        "numexpr": "kernels.gradient.peers.numexpr:NUMEXPR",
        "torch": "kernels.gradient.peers.torch:TORCH",
        "torch-compile": "kernels.gradient.peers.torch:TORCH_COMPILE",
        "onedal": "kernels.gradient.peers.onedal:ONEDAL",
    },
    "descend": {
        "jax-compiled": "kernels.descend.jax_compiled:compiled",
        "numba-compiled": "kernels.descend.numba_compiled:compiled",
        "jax-compiled-gpu": "kernels.descend.jax_compiled:compiled",
    },
    "fit": {
        "numba-descent": "kernels.fit.numba_descent:descent",
        "sklearn-lbfgs": "kernels.fit.peers.scikit_learn:LBFGS",
        "sklearn-newton-cg": "kernels.fit.peers.scikit_learn:NEWTON_CG",
        "sklearn-newton-cholesky": "kernels.fit.peers.scikit_learn:NEWTON_CHOLESKY",
        "glum-irls": "kernels.fit.peers.glum:IRLS",
        "glum-lbfgs": "kernels.fit.peers.glum:LBFGS",
        "numpy-newton": "kernels.fit.numpy_newton:newton",
        "jax-newton": "kernels.fit.jax_newton:newton",
        "numba-newton": "kernels.fit.numba_newton:newton",
        "jax-newton-gpu": "kernels.fit.jax_newton:newton",
    },
    "network": {
        "loops": "kernels.network.python_loops:LOOPS",
        "numpy": "kernels.network.numpy_layers:NUMPY_LAYERS",
        "jax": "kernels.network.jax_layers:JAX",
        "jax-autodiff": "kernels.network.jax_autodiff:JAX_AUTODIFF",
        "numba": "kernels.network.numba_blocks:NUMBA",
        "jax-gpu": "kernels.network.jax_layers:JAX_GPU",
        "jax-autodiff-gpu": "kernels.network.jax_autodiff:JAX_AUTODIFF_GPU",
        "torch": "kernels.network.peers.torch:TORCH",
        "torch-compile": "kernels.network.peers.torch:TORCH_COMPILE",
    },
}
"""Operation → name → "module:ATTRIBUTE"."""

OPERATIONS = {
    "gradient": "kernels.gradient.operation:GRADIENT",
    "descend": "kernels.descend.operation:DESCEND",
    "fit": "kernels.fit.operation:FIT",
    "network": "kernels.network.operation:NETWORK",
}
"""Operation → "module:ATTRIBUTE"."""

DEFAULT_OPERATION = "gradient"
"""The operation of a workload or a kernel that names none."""

DRIVERS = {"descend": "kernels.descend.driver:driven", "fit": "kernels.fit.lbfgs:driven"}
"""Operation → a function that makes a kernel of it of any gradient kernel, which keeps its name."""

MADE_OF = {
    "jax-compiled": "jax",
    "numba-compiled": "numba",
    "jax-compiled-gpu": "jax-gpu",
    "numba-descent": "numba",
    "numpy-newton": "numpy-blocked",
    "jax-newton": "jax",
    "numba-newton": "numba",
    "jax-newton-gpu": "jax-gpu",
}
"""Kernel → the gradient kernel that it is made of; its ATTRIBUTE is a function of that kernel."""

TECHNIQUES = {
    "loops": "python",
    "loops-examples": "numpy", "numpy": "numpy", "numpy-blocked": "numpy", "numpy-newton": "numpy",
    "numba-loops": "numba", "numba": "numba", "numba-serial": "numba", "numba-parallel": "numba",
    "numba-compiled": "numba", "numba-descent": "numba", "numba-newton": "numba",
    "jax": "jax", "jax-autodiff": "jax", "jax-blocked": "jax", "jax-compiled": "jax", "jax-newton": "jax",
    "jax-gpu": "jax", "jax-autodiff-gpu": "jax", "jax-compiled-gpu": "jax", "jax-newton-gpu": "jax",
    "sklearn": "peer", "sklearn-lbfgs": "peer", "sklearn-newton-cg": "peer", "sklearn-newton-cholesky": "peer",
    "numexpr": "peer", "torch": "peer", "torch-compile": "peer", "onedal": "peer",
    "glum-irls": "peer", "glum-lbfgs": "peer",
}  # fmt: skip
"""What each kernel is written with: its colour on the page. Its own table, because `race REV` reads the
form of KERNELS in old commits."""

ON_REQUEST = (
    "numba-serial", "numba-parallel", "numexpr", "torch", "torch-compile", "onedal", "glum-irls", "glum-lbfgs",
)  # fmt: skip
"""Run only if named: `numba` chooses between the first two, `numexpr` is slower than `numpy`, others are extras."""


def names(operation: str = DEFAULT_OPERATION) -> tuple[str, ...]:
    """The names of an operation's registered kernels, in the order of the ladder."""
    driven = KERNELS[DEFAULT_OPERATION] if operation in DRIVERS else {}
    return tuple({**driven, **KERNELS.get(operation, {})})


def all_names() -> tuple[str, ...]:
    """The names of the registered kernels of all operations, each once."""
    return tuple(dict.fromkeys(name for operation in KERNELS for name in names(operation)))


@cache
def load_operation(spec: str) -> Operation:
    """The operation of this name, or "package.module:ATTRIBUTE". Raises ValueError if there is none."""
    module, colon, attribute = OPERATIONS.get(spec, spec).rpartition(":")
    if not colon:
        raise ValueError(f"no operation is called {spec!r}; expected {' or '.join(OPERATIONS)}")
    value = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(value, Operation):
        raise ValueError(f"{spec} is a {type(value).__name__}; expected an Operation")
    return value


def part_of(operation: str, part: str) -> ModuleType:
    """One of the modules that every registered operation has: `cheaters` or `templates`."""
    package = OPERATIONS[operation].rpartition(".")[0]
    return importlib.import_module(f"{package}.{part}")


def identify(spec: str) -> str:
    """The name of a kernel in results: its registered name, or `stem:ATTRIBUTE` for a user's own.

    Does not open a file. Raises ValueError, with the nearest names, if there is no such kernel.
    """
    if spec in all_names():
        return spec
    module, colon, attribute = spec.rpartition(":")
    if not colon:
        nearest = ", ".join(difflib.get_close_matches(spec, all_names(), n=3) or all_names())
        raise ValueError(
            f"no kernel is called {spec!r:.60}; the nearest: {nearest}; your own: path/to/file.py:ATTRIBUTE"
        )
    if not (module and attribute.isidentifier()):
        raise ValueError(
            f"{spec!r} names no attribute; expected path/to/file.py:ATTRIBUTE or package.module:ATTRIBUTE"
        )
    return f"{_stem(module)}:{attribute}"


def operations_of(name: str, own: str = DEFAULT_OPERATION) -> tuple[str, ...]:
    """The registered operations that a kernel computes, also through a driver.

    own: the operation of a kernel that is not registered
    """
    if name in all_names():
        return tuple(operation for operation in OPERATIONS if name in names(operation))
    return (own, *(DRIVERS if own == DEFAULT_OPERATION else ()))


def load(spec: str, operation: str | None = DEFAULT_OPERATION) -> Kernel:
    """Import the kernel of this name, as a kernel of the operation.

    spec: a registered name, "package.module:ATTRIBUTE" or "path/to/file.py:ATTRIBUTE". The attribute is a
    Kernel, or a plain function gradient(X, y, w, b) on NumPy arrays that returns (cost, dw, db).
    operation: as for `load_operation`. A gradient kernel becomes one of an operation that has a driver. None: a
        kernel of the user's own is loaded as what it is.

    Raises BackendUnavailable(reason) if this machine lacks a library or a device that a registered kernel
    needs, and ValueError if there is no such kernel, file or attribute, if importing the file fails, if it is a
    kernel of another operation, or if it declares a largest score where the operation has none.
    """
    name = identify(spec)
    definition = None if operation is None else load_operation(operation)
    wanted = definition.name if definition else None
    kernel = _load(spec, name, wanted or DEFAULT_OPERATION)
    if wanted is not None and kernel.operation != wanted:
        if kernel.operation != DEFAULT_OPERATION or wanted not in DRIVERS:
            raise ValueError(f"{spec} is a kernel of the operation {kernel.operation!r}; expected one of {wanted!r}")
        # what is made of a kernel that is right up to some score only is checked as any other of its operation
        kernel = _attribute(DRIVERS[wanted])(replace(kernel, largest_score=None))
    if definition and definition.largest_score is None and kernel.largest_score is not None:
        raise ValueError(f"{spec} declares a largest_score; a kernel of {wanted!r} may not")
    kernel.backend.asarray(np.float64(0))  # a backend is available if it can place a number
    return kernel


def _load(spec: str, name: str, operation: str) -> Kernel:
    location = KERNELS.get(operation, {}).get(spec)
    if location is not None and spec in MADE_OF:
        made: Kernel = _attribute(location)(load(MADE_OF[spec]))
        return replace(made, name=spec, of=MADE_OF[spec])
    location = location or KERNELS[DEFAULT_OPERATION].get(spec)
    if location is None and spec in all_names():
        raise ValueError(f"{spec} is no kernel of {operation!r}; expected {', '.join(names(operation))}")
    kernel: Kernel = _attribute(location) if location else _load_user_kernel(spec, name)
    return kernel


def _attribute(location: str) -> Any:
    module, _, attribute = location.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise BackendUnavailable(import_failure(error)) from error


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
