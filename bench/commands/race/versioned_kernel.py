"""In a worker: load a kernel from another version of the sources; this version measures it.

    bench.commands.race.versioned_kernel:old__gradient__numba_loops
        the gradient's numba-loops from $LOGITBENCH_VERSIONS/old/kernels
    bench.commands.race.versioned_kernel:new__gradient__numba_loops
        the same from $LOGITBENCH_VERSIONS/new/kernels, the copy of the working tree

Only the package `kernels` comes from there, with its helpers, contract and backends. The measuring code is already
imported, and stays. Both versions are loaded in this way, also the working tree's, so they differ in nothing else:
the order of a process's imports decides where its memory lies, which changes times by some per cent.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from kernels import BackendUnavailable
from kernels.contract import Backend, Kernel

VARIABLE = "LOGITBENCH_VERSIONS"
OLD, NEW = "old", "new"


def spec(version: str, operation: str, kernel: str) -> str:
    """The argument of `kernels.load` for that version of an operation's kernel."""
    return f"{__name__}:{version}__{operation}__{kernel.replace('-', '_')}"


def load(folder: Path, operation: str, name: str) -> Kernel:
    """The kernel of that name from `folder`/kernels, with its own functions, as this version's type.

    Raises BackendUnavailable if the kernel does, and ValueError if its contract lacks a field of this version's.
    """
    for module in [module for module in sys.modules if module.partition(".")[0] == "kernels"]:
        del sys.modules[module]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    versioned: Any = importlib.import_module("kernels")
    try:
        # before there were operations, `load` took a name only
        kernel = versioned.load(name, operation) if hasattr(versioned, "Operation") else versioned.load(name)
        backend = Backend(**{field.name: getattr(kernel.backend, field.name) for field in fields(Backend)})
        values = _values(kernel)
    except versioned.BackendUnavailable as unavailable:
        raise BackendUnavailable(str(unavailable)) from unavailable
    except AttributeError as error:
        raise ValueError(f"{name} has a different contract there: {error}") from error
    return Kernel(**{**values, "backend": backend})


def _values(kernel: Any) -> dict[str, Any]:
    """The fields of this version's type, from a kernel of any version. Raises AttributeError if one is missing."""
    values = {
        field.name: getattr(kernel, field.name)
        for field in fields(Kernel)
        if field.default is MISSING or hasattr(kernel, field.name)
    }
    if not {"call", "build"} & set(values):
        values["call"] = kernel.gradient  # its name before there were operations
    return values


def __getattr__(attribute: str) -> Kernel:
    version, *names = attribute.split("__")
    if version not in (OLD, NEW) or len(names) != 2 or VARIABLE not in os.environ:
        raise AttributeError(attribute)
    operation, kernel = names
    return load(Path(os.environ[VARIABLE]) / version, operation, kernel.replace("_", "-"))
