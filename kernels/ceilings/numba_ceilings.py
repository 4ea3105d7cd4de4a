"""What no kernel can do without, each by itself and as fast as this machine can: the limits that fractions are of.

    read        X and y once, on the same memory, from the cache or the memory where they lie
    sigmoid     m sigmoids with their losses, on numbers in the first cache
    multiply    2mn multiplications with their additions, in registers

They look like kernels, so that workers race them beside the kernels of the same workload; what they return is
nobody's gradient, and is not checked. Each does its work so many times in a call that the call itself does not
count (`model.repeats`). Reading is done in two ways, as numbers that are added up and as bits that are
combined.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from kernels import Gradient, Kernel, _jit_cache
from kernels._numba.traversals import SUMS, as_line, example
from kernels._numba.vector_memory import BYTES
from kernels.backends import NUMPY
from kernels.ceilings import specs

_READ_SUM, _READ_BITS, _SIGMOID, _MULTIPLY = range(4)
_CHUNK = 1024
"""Numbers that are surely in the first cache."""
_ACCUMULATORS = 10
"""More than the 8 that two units with a latency of four cycles need, and fewer than 16 registers."""


_repeats = numba.njit(specs.repeats)


@numba.njit(**SUMS)
def _sum(line: Any) -> Any:
    total = line.dtype.type(0)
    for i in range(len(line)):
        total += line[i]
    return float(total)


@numba.njit(**SUMS)
def _bits(line: Any) -> Any:
    # 64 bits at a time, whatever the numbers; an odd one at the end is left out
    whole = line[: len(line) // 2 * 2].view(np.int64)
    total = np.int64(0)
    for i in range(len(whole)):
        total ^= whole[i]
    return float(total)


@numba.njit(**SUMS)
def _sigmoids(line: Any) -> Any:
    total = line.dtype.type(0)
    for i in range(len(line)):
        loss, dz = example(line[i], line.dtype.type(0))
        total += loss + dz
    return float(total)


@intrinsic
def _multiplied(_typing: Any, count: Any, number: Any) -> Any:
    """So many times x ← x · number + number in each of the accumulators, which are vectors; their sum."""
    lanes = 8 * BYTES // number.bitwidth

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        times, factor = arguments
        vector, place = ir.VectorType(factor.type, lanes), ir.Constant(ir.IntType(32), 0)
        first = builder.insert_element(ir.Constant(vector, ir.Undefined), factor, place)
        factors = builder.shuffle_vector(
            first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
        )
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(_ACCUMULATORS)]
        with cgutils.for_range(builder, times):
            for held in sums:
                builder.store(builder.fadd(builder.fmul(builder.load(held), factors), factors), held)
        total = builder.load(sums[0])
        for held in sums[1:]:
            total = builder.fadd(total, builder.load(held))
        return builder.extract_element(total, place)

    return number(count, number), code


@numba.njit(fastmath={"contract"})
def _multiply(count: Any, number: Any) -> Any:
    return float(_multiplied(count, number))


@numba.njit
def _lanes(X: Any) -> Any:
    """Numbers in all accumulators together."""
    return _ACCUMULATORS * BYTES // X.itemsize


@numba.njit
def _work(what: int, X: Any, y: Any, number: Any, part: int, parts: int) -> Any:
    """One thread's part of the work, as often as is enough for a call; what it returns depends on all of it."""
    times, total = _repeats(X.size * X.itemsize), 0.0
    if what in (_READ_SUM, _READ_BITS):
        line = as_line(X)
        own, labels = (
            line[len(line) * part // parts : len(line) * (part + 1) // parts],
            y[len(y) * part // parts : len(y) * (part + 1) // parts],
        )
        for _ in range(times):
            total += _sum(own) + _sum(labels) if what == _READ_SUM else _bits(own) + _bits(labels)
    elif what == _SIGMOID:
        chunk = (np.arange(_CHUNK) % 17 - 8).astype(X.dtype)
        last = times * len(X) * (part + 1) // parts
        for first in range(times * len(X) * part // parts, last, _CHUNK):
            total += _sigmoids(chunk[: min(_CHUNK, last - first)])
    else:
        total += _multiply(times * 2 * X.size // (parts * _lanes(X)) + 1, number)
    return total


def _ceiling(what: int, name: str, summary: str, passes: int = 0) -> Kernel:
    threads = numba.config.NUMBA_NUM_THREADS

    @numba.njit(parallel=True, cache=True)
    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        totals = np.zeros(16 * threads)
        for part in numba.prange(threads):
            totals[16 * part] = _work(what, X, y, b, part, threads)
        return Gradient(totals[0], np.zeros_like(w), totals[0])

    return Kernel(name, NUMPY, summary, passes, gradient)


# kept from run to run, unlike the kernels' code: how long this takes to compile is of no interest
numba.config.CACHE_DIR = str(_jit_cache.folder(Path(__file__), Path(specs.__file__)))

READ_SUM = _ceiling(_READ_SUM, "read-sum", "X and y added up", passes=1)
READ_BITS = _ceiling(_READ_BITS, "read-bits", "the bits of X and y combined", passes=1)
SIGMOID = _ceiling(_SIGMOID, "sigmoid", "m sigmoids and losses in the first cache")
MULTIPLY = _ceiling(_MULTIPLY, "multiply", "2mn multiplications and additions in registers")
