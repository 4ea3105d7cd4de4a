"""In a worker: a kernel as another version of the sources has it, measured by this one.

    bench.commands.race.versioned_kernel:old_numba_loops     numba-loops from $LOGITBENCH_VERSIONS/old/kernels
    bench.commands.race.versioned_kernel:new_numba_loops     and from the copy of the working tree beside it

Only `kernels` comes from there: its helpers, its contract, its backends. What measures has been imported
before, and stays. Both versions are loaded in this way, the working tree's too, so that they differ in nothing
else: how a process came to its modules decides where its memory lies, and that is worth some per cent.
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
    """What `kernels.load` takes for that version of a kernel."""
    return f"{__name__}:{version}_{kernel.replace('-', '_')}"


def load(folder: Path, name: str) -> Kernel:
    """The kernel of that name from `folder`/kernels, as this version's type; its functions are its own.

    Raises BackendUnavailable as it does, and ValueError where the two contracts cannot be told to be one.
    """
    for module in [module for module in sys.modules if module.partition(".")[0] == "kernels"]:
        del sys.modules[module]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    theirs: Any = importlib.import_module("kernels")
    try:
        found = theirs.load(name)
        backend = Backend(**{field.name: getattr(found.backend, field.name) for field in fields(Backend)})
        own = {field.name: getattr(found, field.name) for field in fields(Kernel)}
    except theirs.BackendUnavailable as unavailable:
        raise BackendUnavailable(str(unavailable)) from unavailable
    except AttributeError as error:
        raise ValueError(f"{name} keeps another contract there: {error}") from error
    return Kernel(**{**own, "backend": backend})


def __getattr__(attribute: str) -> Kernel:
    version, _, kernel = attribute.partition("_")
    if version not in (OLD, NEW) or VARIABLE not in os.environ:
        raise AttributeError(attribute)
    return load(Path(os.environ[VARIABLE]) / version, kernel.replace("_", "-"))
