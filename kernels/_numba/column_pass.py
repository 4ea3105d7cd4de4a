"""The two readings of a block of examples stored by columns, in the processor's widest vectors.

Of each column a block holds a piece. Four columns go together, so that z and dz are loaded once for the four. The
hardware's prefetcher starts anew at each piece, so the scores prefetch the next four pieces. Collecting reads from a
cache, and meanwhile prefetches half of the next block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic

from kernels._numba.vector_memory import Memory, Variable, as_index
from kernels._numba.vector_values import Value

_COLUMNS = 4
_PREFETCHED_COLUMNS = 2
"""Of four, while the gradient is collected. At 262144x128-F on two cores of an AMD EPYC (Zen 4): 10.9 ms with none,
8.9 with two, 9.4 with all four; at 32768x1024-F 12.1, 10.8 and 11.6."""


@intrinsic
def scores_by_columns(_typing: Any, flat: Any, m: Any, n: Any, w: Any, b: Any, first: Any, rows: Any, z: Any) -> Any:
    """Write z_r = x_{first + r} · w + b for r = 0, 1, ... rows − 1.

    flat: X as one-dimensional array in memory order. w: (n,). z: `rows` numbers in X's dtype, rounded up to whole
    vectors, all of which are written
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory = Memory(context, builder, signature, arguments)
        m, n, b, first, rows = (arguments[k] for k in (1, 2, 4, 5, 6))
        x, weights, z = (memory.data(k) for k in (0, 3, 7))
        with memory.steps(0, rows, memory.lanes) as r:
            memory.store(memory.repeat(b), z, r)

        def columns(j: Any, count: int) -> None:
            starts = [memory.plus(first, memory.times(memory.plus(j, k), m)) for k in range(count)]
            ahead = [_next_piece(memory, m, n, first, rows, memory.plus(j, count + k)) for k in range(count)]
            factors = [memory.repeat(memory.number(weights, memory.plus(j, k))) for k in range(count)]

            def add(r: Any, load: Callable[[Any, Any], Value]) -> None:
                total = load(z, r)
                products = []
                for start, next_start, factor in zip(starts, ahead, factors, strict=True):
                    memory.prefetch(x, memory.plus(next_start, r), into_l2=True)
                    products.append(load(x, memory.plus(start, r)) * factor)
                while len(products) > 1:
                    products = [one + other for one, other in zip(products[::2], products[1::2], strict=True)]
                memory.store(total + products[0], z, r)

            _by_vectors(memory, rows, add)

        _by_fours(memory, n, columns)
        return context.get_dummy_value()

    return types.void(flat, m, n, w, b, first, rows, z), code


@intrinsic
def collect_by_columns(_typing: Any, flat: Any, m: Any, n: Any, first: Any, rows: Any, dz: Any, sums: Any) -> Any:
    """Add Σ_r dz_r x_{first + r} to sums. dz: `rows` numbers, in whole vectors. sums: (n,), in double"""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory = Memory(context, builder, signature, arguments)
        m, n, first, rows = arguments[1:5]
        x, dz, sums = (memory.data(k) for k in (0, 5, 6))

        def columns(j: Any, count: int) -> None:
            starts = [memory.plus(first, memory.times(memory.plus(j, k), m)) for k in range(count)]
            products = [Variable.of(memory.zeros()) for _ in starts]

            def add(r: Any, load: Callable[[Any, Any], Value]) -> None:
                gradients = load(dz, r)
                for k, (start, product) in enumerate(zip(starts, products, strict=True)):
                    index = memory.plus(start, r)
                    if k < _PREFETCHED_COLUMNS:
                        memory.prefetch(x, memory.plus(index, rows), into_l2=True)
                    product.add(load(x, index) * gradients)

            _by_vectors(memory, rows, add)
            for k, product in enumerate(products):
                column = memory.plus(j, k)
                total = builder.fadd(memory.number(sums, column), product.value.widened().total().ir_value)
                builder.store(total, builder.gep(sums, [column]))

        _by_fours(memory, n, columns)
        return context.get_dummy_value()

    return types.void(flat, m, n, first, rows, dz, sums), code


def _by_fours(memory: Memory, n: Any, columns: Callable[[Any, int], None]) -> None:
    last = memory.rounded_down(n, _COLUMNS)
    with memory.steps(0, last, _COLUMNS) as j:
        columns(j, _COLUMNS)
    with memory.steps(last, n, 1) as j:
        columns(j, 1)


def _by_vectors(memory: Memory, rows: Any, add: Callable[[Any, Callable[[Any, Any], Value]], None]) -> None:
    last = memory.rounded_down(rows, memory.lanes)
    with memory.steps(0, last, memory.lanes) as r:
        add(r, memory.load)
    rest = memory.builder.sub(rows, last)
    with memory.builder.if_then(memory.builder.icmp_signed(">", rest, as_index(0))):
        add(last, lambda data, index: memory.load_first(rest, data, index))


def _next_piece(memory: Memory, m: Any, n: Any, first: Any, rows: Any, column: Any) -> Any:
    """The index of this column's piece; columns n, n + 1, ... are the first ones of the next block."""
    builder = memory.builder
    inside = builder.icmp_signed("<", column, n)
    start = builder.select(inside, first, memory.plus(first, rows))
    return memory.plus(start, memory.times(builder.select(inside, column, builder.sub(column, n)), m))
