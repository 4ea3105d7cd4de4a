"""The environment variables of a worker: threads, allocator, caches, flags. They must be set before a library loads.

`settings` is part of the results, because times depend on it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS",
)  # fmt: skip
"""XLA has no such variable: the size of its pool follows the cores that the worker may use."""

# glibc adapts its thresholds to what a program frees. Of two equal processes, one may then map and unmap its
# temporary arrays on every call and the other not: up to 75% in time. Fixed thresholds keep them on the heap in both.
_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**25),  # the maximum that glibc accepts (HEAP_MAX_SIZE / 2)
    "MALLOC_TRIM_THRESHOLD_": str(2**40),  # never return memory to the system
    "MALLOC_TOP_PAD_": str(2**26),  # grow by 64 MiB
}
# Numba takes TBB where it finds that library, which oneDAL brings. OpenMP is on every machine with GCC's libraries.
_NUMBA = {"NUMBA_THREADING_LAYER_PRIORITY": "omp tbb workqueue"}
_JAX = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several workers share a GPU's memory
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # cache all compiled code
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def settings(threads: int) -> dict[str, str]:
    """The variables that change how fast a kernel is. They override the user's: all kernels get equal resources."""
    return {**dict.fromkeys(_THREADS, str(threads)), **_ALLOCATOR, **_NUMBA, **_JAX}


def of_worker(threads: int, cache: Path | None) -> dict[str, str]:
    """All environment variables of a worker. cache: this run's folder for compiled code, empty at its start."""
    caches = {"NUMBA_CACHE_DIR": "numba", "JAX_COMPILATION_CACHE_DIR": "jax", "TORCHINDUCTOR_CACHE_DIR": "torch"}
    return {
        **os.environ,
        **settings(threads),
        **({} if cache is None else {name: str(cache / folder) for name, folder in caches.items()}),
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
    }
