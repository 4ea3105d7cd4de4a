"""Where compiled code is cached between runs: in the checkout, in a folder named by a digest of all kernels' sources.

Numba's own cache key is the CPU's name and features and the date of the file that holds the function. It does not
notice a change in a helper that this file imports.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_KERNELS = Path(__file__).parent


def folder(*more_sources: Path) -> Path:
    """The cache folder for this state of the kernels' sources, and of further sources."""
    digest = hashlib.sha256()
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
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder() / "torch"))
