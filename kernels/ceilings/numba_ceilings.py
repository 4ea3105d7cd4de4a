"""The ceilings: the work that no kernel can avoid, each kind alone and as fast as this machine can do it.

    read        X and y once, in the memory or cache that holds them for the kernels
    sigmoid     m sigmoids with their losses, on numbers in the L1 cache
    multiply    2mn multiplications with their additions, in registers
    arithmetic  the sigmoids and the multiplications, in one loop

They are kernels of an operation of their own, so that workers race them beside the kernels of the same workload.
Their results are not checked. A call repeats the work, so that the overhead of a call is negligible
(`specs.repeats`). Reading has two methods: numbers are added, or their bits are combined by xor.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import linalg

from kernels import _jit_cache
from kernels._numba import elementary
from kernels._numba.arrays import flattened
from kernels._numba.row_pass import lanes
from kernels._numba.traversals import SUMS, example
from kernels._numba.vector_memory import BYTES, Memory, Variable, as_index
from kernels._numba.vector_values import INT32, constant
from kernels.backends import NUMPY
from kernels.ceilings import specs
from kernels.contract import Kernel

_READ_SUM, _READ_BITS, _SIGMOID, _MULTIPLY, _ARITHMETIC = range(5)
_CHUNK = 1024
"""Numbers that certainly fit the L1 cache."""
_ACCUMULATORS = 10
"""At least 8, for two units with a latency of four cycles, and fewer than the 16 registers."""
_MIXED_ACCUMULATORS = 8
"""A power of two, for counts of products that are small."""

_repeats = numba.njit(specs.repeats)


@numba.njit(**SUMS)
def _sum(flat: Any) -> Any:
    total = flat.dtype.type(0)
    for i in range(len(flat)):
        total += flat[i]
    return float(total)


@numba.njit(**SUMS)
def _bits(flat: Any) -> Any:
    # 64 bits at a time, whatever the dtype; a last odd float32 is left out
    words = flat[: len(flat) // 2 * 2].view(np.int64)
    total = np.int64(0)
    for i in range(len(words)):
        total ^= words[i]
    return float(total)


@numba.njit(**SUMS)
def _sigmoids(flat: Any) -> Any:
    total = flat.dtype.type(0)
    for i in range(len(flat)):
        loss, dz = example(flat[i], flat.dtype.type(0))
        total += loss + dz
    return float(total)


@intrinsic
def _multiplied(_typing: Any, count: Any, number: Any) -> Any:
    """`count` times x ← x · number + number in each of the accumulators, which are vectors; returns their sum."""
    lanes = 8 * BYTES // number.bitwidth

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        times, factor = arguments
        vector, lane_0 = ir.VectorType(factor.type, lanes), ir.Constant(ir.IntType(32), 0)
        first = builder.insert_element(ir.Constant(vector, ir.Undefined), factor, lane_0)
        factors = builder.shuffle_vector(
            first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
        )
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(_ACCUMULATORS)]
        with cgutils.for_range(builder, times):
            for variable in sums:
                builder.store(builder.fadd(builder.fmul(builder.load(variable), factors), factors), variable)
        total = builder.load(sums[0])
        for variable in sums[1:]:
            total = builder.fadd(total, builder.load(variable))
        return builder.extract_element(total, lane_0)

    return number(count, number), code


@intrinsic
def _mixed(_typing: Any, chunk: Any, vectors: Any, products: Any, number: Any) -> Any:
    """So many vectors of sigmoids with losses, of the numbers in `chunk`, and after each of them so many products as
    in `_multiplied`, rounded down to fours; returns a sum of all.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory = Memory(context, builder, signature, arguments)
        numbers, (_, count, each, factor) = memory.data(0), arguments
        factors = memory.repeat(factor)
        total, *sums = (Variable.of(memory.zeros()) for _ in range(1 + _MIXED_ACCUMULATORS))

        def multiply(variables: list[Variable]) -> None:
            for variable in variables:
                variable.set(variable.value * factors + factors)

        eights = memory.rounded_down(each, len(sums))
        rest = builder.icmp_signed(">=", builder.sub(each, eights), as_index(len(sums) // 2))
        with memory.steps(0, count, 1) as vector:
            index = memory.times(builder.and_(vector, as_index(_CHUNK // memory.lanes - 1)), memory.lanes)
            loss, dz = elementary.example(memory.load(numbers, index), memory.zeros())
            total.add(loss + dz)
            with memory.steps(0, eights, len(sums)):
                multiply(sums)
            with builder.if_then(rest):
                multiply(sums[: len(sums) // 2])
        for variable in sums:
            total.add(variable.value)
        return builder.extract_element(total.value.ir_value, constant(INT32, 0))

    return number(chunk, types.intp, types.intp, number), code


@numba.njit
def _bounds(count: int, part: int, parts: int) -> Any:
    return count * part // parts, count * (part + 1) // parts


@numba.njit
def _part_of(X: Any, y: Any, part: int, parts: int) -> Any:
    (first, last), (first_label, last_label) = _bounds(X.size, part, parts), _bounds(len(y), part, parts)
    return flattened(X)[first:last], y[first_label:last_label]


@numba.njit
def _sum_work(X: Any, y: Any, times: int, part: int, parts: int) -> Any:
    (numbers, labels), total = _part_of(X, y, part, parts), 0.0
    for _ in range(times):
        total += _sum(numbers) + _sum(labels)
    return total


@numba.njit
def _bits_work(X: Any, y: Any, times: int, part: int, parts: int) -> Any:
    (numbers, labels), total = _part_of(X, y, part, parts), 0.0
    for _ in range(times):
        total += _bits(numbers) + _bits(labels)
    return total


@numba.njit
def _chunk(X: Any) -> Any:
    chunk = np.empty(_CHUNK, X.dtype)
    for i in range(_CHUNK):
        chunk[i] = i % 17 - 8
    return chunk


@numba.njit
def _sigmoid_work(X: Any, times: int, part: int, parts: int) -> Any:
    chunk, total = _chunk(X), 0.0
    first, last = _bounds(times * len(X), part, parts)
    while first < last:
        total += _sigmoids(chunk[: min(_CHUNK, last - first)])
        first += _CHUNK
    return total


@numba.njit(fastmath={"contract"})
def _multiply_work(X: Any, number: Any, times: int, parts: int) -> Any:
    lanes = _ACCUMULATORS * BYTES // X.itemsize  # of all accumulators together
    return float(_multiplied(times * 2 * X.size // (parts * lanes) + 1, number))


@numba.njit(fastmath={"contract"})
def _arithmetic_work(X: Any, number: Any, times: int, parts: int) -> Any:
    vectors = times * len(X) // (parts * lanes(X)) + 1
    return float(_mixed(_chunk(X), vectors, 2 * X.shape[1], number))


def _ceiling(kind: int, name: str, summary: str, passes: int = 0) -> Kernel:
    """The number of threads and the kind are read here: a cached function has only numbers in its closure, and Numba
    leaves out the branches of other kinds before it compiles.
    """
    threads = numba.config.NUMBA_NUM_THREADS

    @numba.njit(parallel=True, cache=True)
    def measure(totals: Any, X: Any, y: Any, number: Any) -> Any:
        times = _repeats(X.size * X.itemsize)
        for thread in numba.prange(threads):
            part = np.int64(thread)  # else the work would be compiled for two types
            if kind == _READ_SUM:
                total = _sum_work(X, y, times, part, threads)
            elif kind == _READ_BITS:
                total = _bits_work(X, y, times, part, threads)
            elif kind == _SIGMOID:
                total = _sigmoid_work(X, times, part, threads)
            elif kind == _MULTIPLY:
                total = _multiply_work(X, number, times, threads)
            else:
                total = _arithmetic_work(X, number, times, threads)
            totals[16 * thread] = total  # of all the work, so that none is optimised away
        return (totals[0],)

    totals = np.zeros(16 * threads)  # each thread's in cache lines of its own
    return Kernel(name, NUMPY, summary, passes, partial(measure, totals), operation="ceilings")


def _ensure_no_blas() -> None:
    raise ImportError("no ceiling multiplies matrices")


# Numba imports SciPy's BLAS before it loads the first function: 0.15 s in each of these processes
linalg.ensure_blas = _ensure_no_blas
# a persistent cache, unlike the kernels': the time to compile these is not reported
numba.config.CACHE_DIR = str(_jit_cache.folder(Path(__file__), Path(specs.__file__)))

READ_SUM = _ceiling(_READ_SUM, "read-sum", "the sum of X and y", passes=1)
READ_BITS = _ceiling(_READ_BITS, "read-bits", "the bits of X and y combined by xor", passes=1)
SIGMOID = _ceiling(_SIGMOID, "sigmoid", "m sigmoids and losses in the L1 cache")
MULTIPLY = _ceiling(_MULTIPLY, "multiply", "2mn multiplications and additions in registers")
ARITHMETIC = _ceiling(_ARITHMETIC, "arithmetic", "the sigmoids and the products in one loop")
