"""The folder `kernels` as older commits have it: no operations, a flat table, files beside each other, and a kernel
whose function is the field `gradient`."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.host.checkout import CHECKOUT

_PROBLEM_IMPORT = "from kernels.contract import Array\n"
_KERNEL_IMPORTS = "from kernels.contract import Array, Kernel\nfrom kernels.gradient.problem import Gradient\n"
_CONTRACT = '''
class BackendUnavailable(Exception):
    """Cannot run here."""


@dataclass(frozen=True)
class Backend:
    name: str
    device: str
    asarray: Any
    wait: Any
    asnumpy: Any


@dataclass(frozen=True)
class Kernel:
    name: str
    backend: Backend
    summary: str
    passes: float | None
    gradient: Any
'''
_REGISTRY = """
import importlib

KERNELS = {
    "loops-examples": "kernels.numpy_loops:LOOPS_EXAMPLES",
    "numpy": "kernels.numpy_vectorized:NUMPY_VECTORIZED",
}


def load(spec):
    module, _, attribute = KERNELS[spec].partition(":")
    return getattr(importlib.import_module(module), attribute)
"""
FILES = ("numpy_loops.py", "numpy_vectorized.py")


def write(folder: Path) -> None:
    """Write folder/kernels, with this version's sources of two kernels in the older form."""
    kernels = folder / "kernels"
    kernels.mkdir(parents=True)
    for file in ("backends.py", "_jit_cache.py"):
        shutil.copy(CHECKOUT / "kernels" / file, kernels)
    for file in FILES:
        text = _replaced(CHECKOUT / "kernels" / "gradient" / file, _KERNEL_IMPORTS, "")
        before, imports, after = text.partition("from kernels.backends import NUMPY\n")
        assert imports
        (kernels / file).write_text(f"{before}{imports}from kernels.contract import Array, Gradient, Kernel\n{after}")
    problem = _replaced(CHECKOUT / "kernels" / "gradient" / "problem.py", _PROBLEM_IMPORT, "Array = Any\n")
    (kernels / "contract.py").write_text(problem + _CONTRACT)
    (kernels / "registry.py").write_text(_REGISTRY)
    (kernels / "__init__.py").write_text(
        "from kernels.contract import Backend, BackendUnavailable, Gradient, Kernel, Problem\n"
        "from kernels.registry import load\n"
    )


def _replaced(file: Path, old: str, new: str) -> str:
    text = file.read_text()
    assert text.count(old) == 1, f"{file} has no {old!r}"
    return text.replace(old, new)
