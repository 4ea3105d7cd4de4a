"""Where compiled code is cached between runs: in the checkout, in a folder named by a digest of what made the code.

That is all kernels' sources, the processor, and the settings of Numba's compiler. Numba's own key is the CPU that it
compiles for, and the date of the file that holds the function. It does not notice a change in a helper that this file
imports, in most settings, or in the width of vectors, which kernels/_numba takes from the processor.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_KERNELS = Path(__file__).parent
_COMPILER = (
    "CPU_NAME", "CPU_FEATURES", "ENABLE_AVX", "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO",
)  # fmt: skip
"""Numba's settings that change compiled code, as in its variables NUMBA_..."""


def folder(*more_sources: Path) -> Path:
    """The cache folder for this processor and this state of the kernels' sources, and of further sources."""
    from llvmlite import binding

    settings = [os.environ.get(f"NUMBA_{name}", "") for name in _COMPILER]
    built_for = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten(), *settings)
    digest = hashlib.sha256("\0".join(built_for).encode())
    for source in (*sorted(_KERNELS.rglob("*.py")), *more_sources):
        digest.update(source.relative_to(_KERNELS.parent).as_posix().encode() + b"\0" + source.read_bytes())
    return _KERNELS.parent / ".cache" / "jit" / digest.hexdigest()[:16]


def keep_numba_code() -> None:
    """Make this folder Numba's cache, unless NUMBA_CACHE_DIR is set."""
    import numba

    if not os.environ.get("NUMBA_CACHE_DIR"):
        numba.config.CACHE_DIR = str(folder())


def keep_torch_code() -> None:
    """Make this folder torch.compile's cache, unless TORCHINDUCTOR_CACHE_DIR is set."""
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder() / "torch")
