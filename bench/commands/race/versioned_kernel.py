"""In a worker: load a kernel from another version of the sources; this version measures it.

    bench.commands.race.versioned_kernel:old_numba_loops     numba-loops from $LOGITBENCH_VERSIONS/old/kernels
    bench.commands.race.versioned_kernel:new_numba_loops     the same from $LOGITBENCH_VERSIONS/new/kernels, the copy
                                                             of the working tree

Only the package `kernels` comes from there, with its helpers, contract and backends. The measuring code is already
imported, and stays. Both versions are loaded in this way, also the working tree's, so they differ in nothing else:
the order of a process's imports decides where its memory lies, which changes times by some per cent.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from kernels import BackendUnavailable
from kernels.contract import Backend, Kernel

VARIABLE = "LOGITBENCH_VERSIONS"
OLD, NEW = "old", "new"


def spec(version: str, kernel: str) -> str:
    """The argument of `kernels.load` for that version of a kernel."""
    return f"{__name__}:{version}_{kernel.replace('-', '_')}"


def load(folder: Path, name: str) -> Kernel:
    """The kernel of that name from `folder`/kernels, with its own functions, as this version's type.

    Raises BackendUnavailable if the kernel does, and ValueError if its contract lacks a field of this version's.
    """
    for module in [module for module in sys.modules if module.partition(".")[0] == "kernels"]:
        del sys.modules[module]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    versioned: Any = importlib.import_module("kernels")
    try:
        kernel = versioned.load(name)
        backend = Backend(**{field.name: getattr(kernel.backend, field.name) for field in fields(Backend)})
        values = {field.name: getattr(kernel, field.name) for field in fields(Kernel)}
    except versioned.BackendUnavailable as unavailable:
        raise BackendUnavailable(str(unavailable)) from unavailable
    except AttributeError as error:
        raise ValueError(f"{name} has a different contract there: {error}") from error
    return Kernel(**{**values, "backend": backend})


def __getattr__(attribute: str) -> Kernel:
    version, _, kernel = attribute.partition("_")
    if version not in (OLD, NEW) or VARIABLE not in os.environ:
        raise AttributeError(attribute)
    return load(Path(os.environ[VARIABLE]) / version, kernel.replace("_", "-"))
