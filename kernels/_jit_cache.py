"""Where compiled code is kept between runs: in the checkout, under a key made of all kernels' sources.

Numba keys what it keeps by the CPU's name and features and by the date of the one file that holds the
function; a change in a helper that this file imports would go unnoticed. Hence the key here.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_KERNELS = Path(__file__).parent


def folder(*others: Path) -> Path:
    """The folder for this state of the sources, and of others that are compiled with them."""
    digest = hashlib.sha256()
    for source in (*sorted(_KERNELS.rglob("*.py")), *others):
        digest.update(source.relative_to(_KERNELS.parent).as_posix().encode() + b"\0" + source.read_bytes())
    return _KERNELS.parent / ".cache" / "jit" / digest.hexdigest()[:16]


def keep_numba_code() -> None:
    """Have Numba keep its code there, unless NUMBA_CACHE_DIR says otherwise."""
    import numba

    if not os.environ.get("NUMBA_CACHE_DIR"):
        numba.config.CACHE_DIR = str(folder())


def keep_torch_code() -> None:
    """Have torch.compile keep its code there, unless TORCHINDUCTOR_CACHE_DIR says otherwise."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder() / "torch"))
