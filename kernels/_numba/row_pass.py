"""One pass over a run of examples stored by rows, in vectors as wide as the processor's: the scores, the sigmoids
and the gradient at once.

LLVM finds vectors by itself where a loop is long. Over 32 features it is short, and what LLVM puts around it
(may these arrays overlap? what if the count is odd?) takes longer than the loop; a sum over rows it would not
keep in registers; and the sigmoids would be a loop of their own, during which memory waits. Hence this is spelled
out. As many examples as a vector has numbers make a group, and a step of the loop takes three groups at once:

    scores      z_k = row k · w + b of one group, for each row k, added up across together
    backward    L and dz of the group before it, as one vector
    collect     dw += Σ_k dz_k · row k of the group before that

None of the three waits for another, so that the processor computes while it reads; one after another they would
wait for the 100 cycles that a sigmoid takes. Wide rows fill the time by themselves: there all three are of one
group, of fewer rows, which is in the first cache still when it is collected. The last group of a run begins early
enough to be a whole one, and what was counted already, like what lies before the first group and after the
last, weighs 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic, overload

from kernels._numba.elementary import example
from kernels._numba.vector_memory import BYTES, Memory, Variable, place
from kernels._numba.vector_values import Value, horizontal_sums

_CHUNKS = 4, 2, 1
"""Vectors of a row that are read before the next row is: the processor fetches ahead along long pieces."""
_BYTES_AHEAD = 8192
"""How far before it is read for the scores memory is asked for: four groups of 32 numbers in double."""
_GROUPS_AHEAD = 2
"""How far before the scores, when it is collecting that asks; into the second cache, since it is early."""
_STEPS = 32
"""After which the sums of X's dtype are added to those in double."""


def lanes(array: Any) -> Any:
    """Numbers in a vector of the array's kind; inside compiled code only."""
    raise NotImplementedError


@overload(lanes)
def _lanes(array: Any) -> Callable[..., Any]:
    count = 8 * BYTES // array.dtype.bitwidth

    def code(array: Any) -> Any:
        return count

    return code


@intrinsic
def unchecked_getitem(_typing: Any, array: Any, index: Any) -> Any:
    """array[index], which is not negative: to see to that at each number would keep a loop from using vectors."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory = Memory(context, builder, signature, arguments)
        return memory.number(memory.data(0), arguments[1])

    return array.dtype(array, index), code


def _pass(most: int, ahead: int, long: bool, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """The instructions of `_by_rows`."""
    memory = Memory(context, builder, signature, arguments)
    n, b, first, last = (arguments[k] for k in (2, 4, 5, 6))
    x, labels, w, work, sums = (memory.data(k) for k in (0, 1, 3, 7, 8))
    size = min(most, memory.lanes)
    dz, dw = work, builder.gep(work, [place(memory.lanes)])
    groups = builder.udiv(memory.plus(builder.sub(last, first), size - 1), place(size))
    latest = builder.sub(last, place(size))
    far = memory.times(n, size * (_GROUPS_AHEAD + 2 * ahead))
    asked = size // 2 if long else size
    earliest = memory.smaller(first, latest)
    z, cost, total = (Variable.of(memory.zeros()) for _ in range(3))
    costs, all_dz = (Variable.of(memory.zeros().widened().total()) for _ in range(2))

    def group(number: Any) -> tuple[Any, Any]:
        """Its first example, and how many of its examples do not count."""
        row = memory.plus(first, memory.times(number, size))
        there = builder.icmp_unsigned("<", number, groups)
        start = builder.select(there, memory.smaller(row, latest), earliest)
        return start, builder.select(there, builder.sub(row, start), place(size))

    def score(number: Any) -> None:
        start, _ = group(number)
        z.set(_scores(memory, x, n, _rows(memory, n, start, size), w, asked) + memory.repeat(b))

    def backward(number: Any) -> None:
        start, counted = group(number)
        loss, own = example(z.value, memory.load_first(place(size), labels, start))
        counts = builder.xor(memory.first(counted), memory.first(place(size)))
        for value, held in ((loss, cost), (own, total)):
            held.add(value.where(counts, 0))
        memory.store(own.where(counts, 0), dz, 0)

    def collect(number: Any) -> None:
        start, _ = group(number)
        _collect(memory, x, n, _rows(memory, n, start, size), dz, dw, asked, far)

    parts = (score, 0), (backward, -ahead), (collect, -2 * ahead)
    steps = memory.plus(groups, 2 * ahead)
    with memory.steps(0, steps, _STEPS) as begin:
        with memory.steps(begin, memory.smaller(memory.plus(begin, _STEPS), steps), 1) as step:
            for part, later in parts[::-1] if ahead else parts:
                part(memory.plus(step, later))
        with memory.steps(0, n, memory.lanes) as j:
            memory.store(memory.load(sums, j) + memory.load(dw, j).widened(), sums, j)
            memory.store(memory.zeros(), dw, j)
        for in_double, held in ((costs, cost), (all_dz, total)):
            in_double.add(held.value.widened().total())
            held.set(memory.zeros())
    return context.make_tuple(builder, signature.return_type, [costs.value.ir_value, all_dz.value.ir_value])


def _by_rows(most: int, ahead: int, long: bool) -> Any:
    """most: rows of a group. ahead: groups from the scores to the sigmoids, and from these to what is collected.

    long: the scores ask for half of memory, and collecting for the rest; else nothing would be on its way while long
    rows are collected.
    """

    @intrinsic
    def through(
        _typing: Any, line: Any, y: Any, n: Any, w: Any, b: Any, first: Any, last: Any, work: Any, sums: Any
    ) -> Any:
        """Add Σ dz_i x_i of the examples from first to last to sums; returns their Σ L and Σ dz, in double.

        line: X as the line of numbers that it is in memory. At least `lanes` examples come before `last`. work:
        zeros, `lanes` of them and n, rounded up to whole vectors; sums: n doubles, rounded up likewise.
        """

        def code(*emitted: Any) -> Any:
            return _pass(most, ahead, long, *emitted)

        return types.UniTuple(types.float64, 2)(line, y, n, w, b, first, last, work, sums), code

    return through


by_rows, by_long_rows = _by_rows(16, ahead=1, long=False), _by_rows(16, ahead=1, long=True)
by_wide_rows = _by_rows(8, ahead=0, long=True)
LONG_BYTES, WIDE_BYTES = 6144, 2048
"""A group from the first on is long: the processor does not see its end while it reads its beginning. A row from the
second on is wide: 16 of them fill a first cache of 32 KiB, and a set of it has no room for 16 lines."""


def _scores(memory: Memory, x: Any, n: Any, rows: list[Any], w: Any, asked: int) -> Value:
    """Row k · w in place k, of as many rows as a vector has numbers; the first `asked` rows ask for memory."""
    held = [Variable.of(memory.zeros()) for _ in rows]
    first: Any = 0

    def ask(number: int, here: Any) -> None:
        if number < asked:
            memory.prefetch(x, memory.plus(here, _BYTES_AHEAD // memory.bytes))

    for chunk in _CHUNKS:
        last = memory.rounded_down(n, chunk * memory.lanes)
        with memory.steps(first, last, chunk * memory.lanes) as j:
            weights = [memory.load(w, memory.plus(j, k * memory.lanes)) for k in range(chunk)]
            for number, (row, total) in enumerate(zip(rows, held, strict=True)):
                for k, weight in enumerate(weights):
                    here = memory.plus(memory.plus(row, j), k * memory.lanes)
                    ask(number, here)
                    total.add(memory.load(x, here) * weight)
        first = last
    rest = memory.builder.sub(n, first)
    with memory.builder.if_then(memory.builder.icmp_signed(">", rest, place(0))):
        weight = memory.load_first(rest, w, first)
        for number, (row, total) in enumerate(zip(rows, held, strict=True)):
            here = memory.plus(row, first)
            ask(number, here)
            total.add(memory.load_first(rest, x, here) * weight)
    return horizontal_sums(
        [*(total.value for total in held), *(memory.zeros() for _ in range(memory.lanes - len(rows)))]
    )


def _collect(memory: Memory, x: Any, n: Any, rows: list[Any], dz: Any, dw: Any, asked: int, far: Any) -> None:
    """dw += Σ_k dz_k · row k, of as many rows as a vector has numbers; dw in whole vectors.

    What is `far` from the rows for which the scores did not ask is asked for.
    """
    factors = [memory.repeat(memory.number(dz, place(k))) for k in range(len(rows))]

    def columns(j: Any, load: Callable[[Any], Value]) -> None:
        chains = [memory.load(dw, j), memory.zeros()]  # two, since each waits for its last sum
        for k, (row, factor) in enumerate(zip(rows, factors, strict=True)):
            if k >= asked:
                memory.prefetch(x, memory.plus(memory.plus(row, j), far), second=True)
            chains[k % 2] = chains[k % 2] + load(memory.plus(row, j)) * factor
        memory.store(chains[0] + chains[1], dw, j)

    last = memory.rounded_down(n, memory.lanes)
    with memory.steps(0, last, memory.lanes) as j:
        columns(j, lambda here: memory.load(x, here))
    rest = memory.builder.sub(n, last)
    with memory.builder.if_then(memory.builder.icmp_signed(">", rest, place(0))):
        columns(last, lambda here: memory.load_first(rest, x, here))


def _rows(memory: Memory, n: Any, start: Any, size: int) -> list[Any]:
    """Where they begin, as many as a vector has numbers."""
    return [memory.times(memory.plus(start, k), n) for k in range(size)]
