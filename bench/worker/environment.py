"""What a worker's environment says before any library loads: threads, memory, caches, flags.

`settings` is a literal table, and it stands in the results: a time means nothing without it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip
"""XLA has no such variable: its pool follows the cores that the worker may use."""

# glibc moves its thresholds with what a program frees, so that of two equal processes one maps and unmaps its
# temporaries on every call and the other does not: up to 75% in time. Fixed, they come from the heap in all.
_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**25),  # the most that glibc takes (HEAP_MAX_SIZE / 2)
    "MALLOC_TRIM_THRESHOLD_": str(2**40),  # never give memory back
    "MALLOC_TOP_PAD_": str(2**26),  # grow by 64 MiB
}
_JAX = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # a GPU's memory is shared by several workers
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # keep all that is compiled
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def settings(threads: int) -> dict[str, str]:
    """The variables that change how fast a kernel is. They override the user's: resources are equal."""
    return {**dict.fromkeys(_THREADS, str(threads)), **_ALLOCATOR, **_JAX}


def of_worker(threads: int, cache: Path | None) -> dict[str, str]:
    """A worker's whole environment. cache: where this run's compiled code is kept, empty at its start."""
    caches = {"NUMBA_CACHE_DIR": "numba", "JAX_COMPILATION_CACHE_DIR": "jax", "TORCHINDUCTOR_CACHE_DIR": "torch"}
    return {
        **os.environ,
        **settings(threads),
        **({} if cache is None else {name: str(cache / folder) for name, folder in caches.items()}),
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
    }
