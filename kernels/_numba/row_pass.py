"""One pass over examples stored by rows, in the processor's widest vectors: scores, sigmoids, gradient in one loop.

The instructions are explicit, because LLVM's vectoriser does badly here. A loop over 32 features is short, and the
code that LLVM adds around it (tests whether arrays overlap, the remainder of the count) takes longer than the loop.
LLVM would not keep a sum over rows in registers. And the sigmoids would need a loop of their own, in which nothing is
read from memory. As many examples as a vector has lanes are a group, and each step of the loop works on three groups:

    scores      z_k = row k · w + b of one group, for all rows k together
    backward    L and dz of the previous group, as one vector
    collect     dw += Σ_k dz_k · row k of the group before that

The three do not depend on one another, so the processor computes while it reads; in sequence on one group they would
wait for the 100 cycles of a sigmoid. Wide rows have enough independent work: for these, all three parts are of the
same group, which has fewer rows and is still in the L1 cache when it is collected. The last group begins early enough
to be a whole one. Its examples that were counted before, and the groups before the first and after the last, have
weight 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic, overload

from kernels._numba.elementary import example
from kernels._numba.vector_memory import BYTES, Memory, Variable, as_index
from kernels._numba.vector_values import Value, horizontal_sums

_CHUNKS = 4, 2, 1
"""Vectors of one row that are read before the next row: the hardware prefetcher follows long stretches."""
_BYTES_AHEAD_L2, _BYTES_AHEAD_L1 = 16384, 2048
"""The scores prefetch into the L2 cache, and short groups also from there into the L1: with rows of 32 doubles eight
groups ahead, and one. A core can have only a few lines on their way into L1: at 1000000x32-f64 on an AMD EPYC (Zen 4)
one thread took 17 ms with all prefetched into L1, 8 KiB ahead, and takes 12."""
_GROUPS_AHEAD = 2
"""How far ahead of the scores `collect` prefetches, into the L2 cache."""
_STEPS = 32
"""Steps after which the sums in X's dtype are added to those in double."""


def lanes(array: Any) -> Any:
    """Lanes of a vector of the array's dtype. Only for compiled code."""
    raise NotImplementedError


@overload(lanes)
def _lanes(array: Any) -> Callable[..., Any]:
    count = 8 * BYTES // array.dtype.bitwidth

    def code(array: Any) -> Any:
        return count

    return code


@intrinsic
def unchecked_getitem(_typing: Any, array: Any, index: Any) -> Any:
    """array[index] for index ≥ 0. Numba's test for a negative index would prevent vector instructions."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory = Memory(context, builder, signature, arguments)
        return memory.number(memory.data(0), arguments[1])

    return array.dtype(array, index), code


def _pass(max_rows: int, ahead: int, long: bool, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """The instructions of `_by_rows`."""
    memory = Memory(context, builder, signature, arguments)
    n, b, first, last = (arguments[k] for k in (2, 4, 5, 6))
    x, labels, w, work, sums = (memory.data(k) for k in (0, 1, 3, 7, 8))
    size = min(max_rows, memory.lanes)
    dz, dw = work, builder.gep(work, [as_index(memory.lanes)])
    groups = builder.udiv(memory.plus(builder.sub(last, first), size - 1), as_index(size))
    latest = builder.sub(last, as_index(size))
    distance = memory.times(n, size * (_GROUPS_AHEAD + 2 * ahead))
    prefetched = size // 2 if long else size
    earliest = memory.smaller(first, latest)
    z, cost, total = (Variable.of(memory.zeros()) for _ in range(3))
    costs, all_dz = (Variable.of(memory.zeros().widened().total()) for _ in range(2))

    def group(number: Any) -> tuple[Any, Any]:
        """The first example of a group, and how many examples at its beginning have weight 0."""
        row = memory.plus(first, memory.times(number, size))
        exists = builder.icmp_unsigned("<", number, groups)
        start = builder.select(exists, memory.smaller(row, latest), earliest)
        return start, builder.select(exists, builder.sub(row, start), as_index(size))

    def score(number: Any) -> None:
        start, _ = group(number)
        z.set(_scores(memory, x, n, _rows(memory, n, start, size), w, prefetched) + memory.repeat(b))

    def backward(number: Any) -> None:
        start, skipped = group(number)
        losses, gradients = example(z.value, memory.load_first(as_index(size), labels, start))
        mask = builder.xor(memory.first(skipped), memory.first(as_index(size)))
        for value, variable in ((losses, cost), (gradients, total)):
            variable.add(value.where(mask, 0))
        memory.store(gradients.where(mask, 0), dz, 0)

    def collect(number: Any) -> None:
        start, _ = group(number)
        _collect(memory, x, n, _rows(memory, n, start, size), dz, dw, prefetched, distance)

    parts = (score, 0), (backward, -ahead), (collect, -2 * ahead)
    steps = memory.plus(groups, 2 * ahead)
    with memory.steps(0, steps, _STEPS) as begin:
        with memory.steps(begin, memory.smaller(memory.plus(begin, _STEPS), steps), 1) as step:
            for part, offset in parts[::-1] if ahead else parts:
                part(memory.plus(step, offset))
        with memory.steps(0, n, memory.lanes) as j:
            memory.store(memory.load(sums, j) + memory.load(dw, j).widened(), sums, j)
            memory.store(memory.zeros(), dw, j)
        for in_double, variable in ((costs, cost), (all_dz, total)):
            in_double.add(variable.value.widened().total())
            variable.set(memory.zeros())
    return context.make_tuple(builder, signature.return_type, [costs.value.ir_value, all_dz.value.ir_value])


def _by_rows(max_rows: int, ahead: int, long: bool) -> Any:
    """A pass over rows, as an intrinsic.

    max_rows: the most rows of a group. ahead: by how many groups the scores are ahead of the sigmoids, and these of
    `collect`. long: the scores prefetch half of the rows and `collect` the others; otherwise memory would be idle
    while long rows are collected.
    """

    @intrinsic
    def through(
        _typing: Any, flat: Any, y: Any, n: Any, w: Any, b: Any, first: Any, last: Any, work: Any, sums: Any
    ) -> Any:
        """Add Σ dz_i x_i of examples first to last − 1 to sums; returns their Σ L and Σ dz, in double.

        flat: X as one-dimensional array in memory order. last is at least `lanes`. work: `lanes` + n zeros, n rounded
        up to whole vectors. sums: n doubles, n rounded up likewise.
        """

        def code(*emitted: Any) -> Any:
            return _pass(max_rows, ahead, long, *emitted)

        return types.UniTuple(types.float64, 2)(flat, y, n, w, b, first, last, work, sums), code

    return through


by_rows, by_long_rows = _by_rows(16, ahead=1, long=False), _by_rows(16, ahead=1, long=True)
by_wide_rows = _by_rows(8, ahead=0, long=True)
LONG_BYTES, WIDE_BYTES = 6144, 2048
"""From LONG_BYTES on a group is long: the processor's out-of-order window does not reach from its beginning to its
end. From WIDE_BYTES on a row is wide: 16 such rows fill an L1 cache of 32 KiB, and a cache set has no room for 16
lines."""


def _scores(memory: Memory, x: Any, n: Any, rows: list[Any], w: Any, prefetched: int) -> Value:
    """Row k · w in lane k, for at most as many rows as a vector has lanes. Prefetches the first `prefetched`, and
    if that is all also into the L1 cache.
    """
    products = [Variable.of(memory.zeros()) for _ in rows]
    first: Any = 0

    def prefetch(number: int, index: Any) -> None:
        if number < prefetched:
            memory.prefetch(x, memory.plus(index, _BYTES_AHEAD_L2 // memory.bytes), into_l2=True)
        if prefetched == len(rows):
            memory.prefetch(x, memory.plus(index, _BYTES_AHEAD_L1 // memory.bytes))

    for chunk in _CHUNKS:
        last = memory.rounded_down(n, chunk * memory.lanes)
        with memory.steps(first, last, chunk * memory.lanes) as j:
            weights = [memory.load(w, memory.plus(j, k * memory.lanes)) for k in range(chunk)]
            for number, (row, total) in enumerate(zip(rows, products, strict=True)):
                for k, weight in enumerate(weights):
                    index = memory.plus(memory.plus(row, j), k * memory.lanes)
                    prefetch(number, index)
                    total.add(memory.load(x, index) * weight)
        first = last
    rest = memory.builder.sub(n, first)
    with memory.builder.if_then(memory.builder.icmp_signed(">", rest, as_index(0))):
        weight = memory.load_first(rest, w, first)
        for number, (row, total) in enumerate(zip(rows, products, strict=True)):
            index = memory.plus(row, first)
            prefetch(number, index)
            total.add(memory.load_first(rest, x, index) * weight)
    return horizontal_sums(
        [*(total.value for total in products), *(memory.zeros() for _ in range(memory.lanes - len(rows)))]
    )


def _collect(
    memory: Memory, x: Any, n: Any, rows: list[Any], dz: Any, dw: Any, prefetched: int, distance: Any
) -> None:
    """dw += Σ_k dz_k · row k, for at most as many rows as a vector has lanes; dw in whole vectors.

    The scores prefetch the first `prefetched` rows; here the others are prefetched, `distance` numbers ahead.
    """
    factors = [memory.repeat(memory.number(dz, as_index(k))) for k in range(len(rows))]

    def columns(j: Any, load: Callable[[Any], Value]) -> None:
        # two chains of additions, since each addition waits for the previous one
        chains = [memory.load(dw, j), memory.zeros()]
        for k, (row, factor) in enumerate(zip(rows, factors, strict=True)):
            if k >= prefetched:
                memory.prefetch(x, memory.plus(memory.plus(row, j), distance), into_l2=True)
            chains[k % 2] = chains[k % 2] + load(memory.plus(row, j)) * factor
        memory.store(chains[0] + chains[1], dw, j)

    last = memory.rounded_down(n, memory.lanes)
    with memory.steps(0, last, memory.lanes) as j:
        columns(j, lambda index: memory.load(x, index))
    rest = memory.builder.sub(n, last)
    with memory.builder.if_then(memory.builder.icmp_signed(">", rest, as_index(0))):
        columns(last, lambda index: memory.load_first(rest, x, index))


def _rows(memory: Memory, n: Any, start: Any, size: int) -> list[Any]:
    """The index in X of the first number of each row of a group."""
    return [memory.times(memory.plus(start, k), n) for k in range(size)]
