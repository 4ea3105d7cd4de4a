"""The ceiling of layers: a pass's products of matrices by BLAS, on blocks of rows that stay in cache.

For each layer A W, Aᵀ D and, but for the first, D Wᵀ. Every thread multiplies arrays of its own again and again, so
nothing else is computed, and only the weights of layers that are wider than the cache come from beyond it. There are
two methods: blocks of at most 64 rows, and of at most 240, with which OpenBLAS makes products of 64 columns without
copying their arguments (numba_blocks.py of the network).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np

from kernels import _jit_cache
from kernels._numba.blas import look_up
from kernels._numba.threads import in_parallel
from kernels._scipy_blas import stay_on_one_thread
from kernels.backends import NUMPY
from kernels.ceilings import specs
from kernels.contract import Array, Call, Kernel


@numba.njit(error_model="numpy")
def _part(shapes: Any, number: Any, rows: int, blocks: int, totals: Any, t: Any) -> None:
    for layer in range(len(shapes)):
        inputs, units = shapes[layer]
        A, W, D = np.full((rows, inputs), number), np.full((inputs, units), number), np.full((rows, units), number)
        Z, dW, dA = np.zeros_like(D), np.zeros_like(W), np.zeros_like(A)
        for _ in range(blocks):
            np.dot(A, W, Z)
            np.dot(A.T, D, dW)
            if layer > 0:
                np.dot(D, W.T, dA)
        totals[t, layer] = Z[-1, -1] + dW[-1, -1] + dA[-1, -1]


def _compiled(threads: int, most_rows: int) -> Any:
    @numba.njit(cache=True, error_model="numpy")
    def products(shapes: Any, m: int, times: int, number: Any) -> Any:
        totals = np.zeros((threads, max(16, len(shapes))))
        rows = (m * times + threads - 1) // threads
        blocks = (rows + most_rows - 1) // most_rows
        if not in_parallel(threads, _part, (shapes, number, (rows + blocks - 1) // blocks, blocks, totals)):
            raise MemoryError("no memory for a block of units")
        return (totals.sum(),)

    return products


def _ceiling(most_rows: int) -> Kernel:
    compiled = _compiled(numba.config.NUMBA_NUM_THREADS, most_rows)

    def build(shapes: tuple[tuple[int, int], ...]) -> Call:
        """shapes: (inputs, units) of each layer."""
        stay_on_one_thread()
        flops = specs.matmul_flops(shapes)

        def products(X: Array, y: Array, number: Any) -> tuple[Any, ...]:
            look_up(X.dtype)
            total: tuple[Any, ...] = compiled(shapes, len(y), specs.matmul_repeats(len(y) * flops), number)
            return total

        return products

    summary = f"products of matrices by BLAS, in blocks of at most {most_rows} rows"
    return Kernel(f"matmul-{most_rows}", NUMPY, summary, 0, build=build, operation="ceilings")


# a persistent cache, unlike the kernels': the time to compile these is not reported
numba.config.CACHE_DIR = str(_jit_cache.folder(Path(__file__), Path(specs.__file__)))
ROWS_64, ROWS_240 = _ceiling(64), _ceiling(240)
