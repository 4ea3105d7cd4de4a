"""SciPy's linear algebra on one thread, so that its other threads do not keep cores busy where a gradient computes.

NumPy and SciPy from PyPI each bring an OpenBLAS of their own, with threads of its own. These wait busily for a while
after every call, on the cores where the gradient's threads compute next: with `numba` on flights, on two cores of an
AMD EPYC (Zen 4), a gradient inside L-BFGS took 15 ms instead of 7. What a solver gives SciPy to do, vectors and
matrices of n + 1 rows, is little.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import scipy.linalg  # so that its library is loaded
import threadpoolctl


def on_one_thread() -> AbstractContextManager[Any]:
    """While this context lasts, SciPy's own BLAS has one thread; a BLAS that it shares with NumPy is left alone.

    For one thread of a process at a time: the first of two to leave would give SciPy its threads back.
    """
    own = _own()
    return own.limit(limits=1) if own else nullcontext()


@cache
def _own() -> threadpoolctl.ThreadpoolController | None:
    """Of the libraries that SciPy brings; None if it brings no BLAS."""
    folder = Path(scipy.linalg.__file__).resolve().parents[2] / "scipy.libs"
    found = threadpoolctl.ThreadpoolController()
    paths = [library["filepath"] for library in found.info() if Path(library["filepath"]).parent == folder]
    return found.select(filepath=paths) if paths else None


def stay_on_one_thread() -> None:
    """From now on, SciPy's own BLAS has one thread in this process, as long as it runs."""
    if own := _own():
        own.limit(limits=1)
