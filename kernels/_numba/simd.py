"""The two products of a block of rows, on vectors as wide as the processor's.

LLVM finds vectors by itself where a loop is long. Over 32 features it is short, and what LLVM puts around it
(may these arrays overlap? what if the count is odd?) takes longer than the loop; and a sum over rows it would
not keep in registers. Hence these two are spelled out, in LLVM's own instructions:

    dots       z[r + k] = row k · w + b      for as many rows k as a vector has numbers, added up across together
    collect    dw[j + l] += Σ_r dz[r] x[r, j + l]      for a few vectors of columns l, over all rows of the block

A row's last numbers, fewer than a vector, are loaded under a mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

_FEATURES = binding.get_host_cpu_features()
BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
"""Of a vector."""
_CHAINS = 8
"""Sums that depend on nobody: two units, each with a latency of four cycles."""


def lanes(array: Any) -> Any:
    """Numbers in a vector of the array's kind."""
    raise NotImplementedError


@overload(lanes)
def _lanes(array: Any) -> Callable[..., Any]:
    count = 8 * BYTES // array.dtype.bitwidth

    def code(array: Any) -> Any:
        return count

    return code


@intrinsic
def at(_typing: Any, array: Any, index: Any) -> Any:
    """array[index], which is not negative: to see to that at each number would keep a loop from using vectors."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = _Places(context, builder, signature, arguments)
        return builder.load(builder.gep(places.data(0), [arguments[1]]))

    return array.dtype(array, index), code


@intrinsic
def dots(_typing: Any, line: Any, first: Any, n: Any, w: Any, b: Any, z: Any, r: Any, ahead: Any) -> Any:
    """z[r + k] = line[first + k n : first + (k + 1) n] · w + b, for each k below `lanes`."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = _Places(context, builder, signature, arguments)
        first, n, b, r, ahead = (arguments[k] for k in (1, 2, 4, 6, 7))
        starts = [builder.add(first, builder.mul(n, at.integer(k))) for k in range(at.lanes)]
        held = [cgutils.alloca_once_value(builder, at.zeros) for _ in starts]

        def add(j: Any, load: Callable[..., Any]) -> None:
            weights = load(w_at, j)
            for k, (start, sums) in enumerate(zip(starts, held, strict=True)):
                place = builder.add(start, j)
                if k % 2 == 0:
                    at.fetch(x_at, builder.add(place, ahead))
                product = builder.fmul(load(x_at, place), weights)
                builder.store(builder.fadd(builder.load(sums), product), sums)

        x_at, w_at, z_at = (at.data(k) for k in (0, 3, 5))
        with at.steps(n, at.lanes) as j:
            add(j, at.load)
        rest = builder.urem(n, at.integer(at.lanes))
        with builder.if_then(builder.icmp_unsigned("!=", rest, at.integer(0))):
            add(builder.sub(n, rest), at.load_part(rest))
        at.store(builder.fadd(at.totals([builder.load(sums) for sums in held]), at.repeat(b)), z_at, r)
        return context.get_dummy_value()

    return types.none(line, first, n, w, b, z, r, ahead), code


def _collecting(vectors: int, part: bool = False) -> Any:
    """For so many vectors of columns; part: of the last, only what is left of a row."""
    at_once = _CHAINS // vectors

    @intrinsic
    def collect(_typing: Any, line: Any, first: Any, n: Any, j: Any, dz: Any, dw: Any, rows: Any) -> Any:
        """dw[j + l] += Σ_r dz[r] line[first + r n + j + l]."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            at = _Places(context, builder, signature, arguments)
            first, n, j, rows = (arguments[k] for k in (1, 2, 3, 6))
            ahead = builder.mul(rows, n)
            held = [[cgutils.alloca_once_value(builder, at.zeros) for _ in range(vectors)] for _ in range(at_once)]
            load = at.load_part(builder.sub(n, j)) if part else at.load
            x_at, dz_at, dw_at = (at.data(k) for k in (0, 4, 5))

            def add(r: Any, row: list[Any], fetch: bool = False) -> None:
                factor = at.repeat(builder.load(builder.gep(dz_at, [r])))
                start = builder.add(builder.add(first, builder.mul(r, n)), j)
                for k, sums in enumerate(row):
                    place = builder.add(start, at.integer(k * at.lanes))
                    if fetch:
                        at.fetch(x_at, builder.add(place, ahead))
                    product = builder.fmul(load(x_at, place), factor)
                    builder.store(builder.fadd(builder.load(sums), product), sums)

            with at.steps(rows, at_once) as r:
                for later, row in enumerate(held):
                    add(builder.add(r, at.integer(later)), row, fetch=later % 2 == 1)
            rest = builder.urem(rows, at.integer(at_once))
            with cgutils.for_range(builder, rest) as loop:
                add(builder.add(builder.sub(rows, rest), loop.index), held[0])
            for k in range(vectors):
                place = builder.add(j, at.integer(k * at.lanes))
                total = at.load(dw_at, place)
                for row in held:
                    total = builder.fadd(total, builder.load(row[k]))
                at.store(total, dw_at, place)
            return context.get_dummy_value()

        return types.none(line, first, n, j, dz, dw, rows), code

    return collect


FOUR = 4
collect_four, collect_one, collect_part = _collecting(FOUR), _collecting(1), _collecting(1, part=True)


class _Places:
    """Where an intrinsic's arrays lie, and its vectors."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self._context, self._builder, self._signature, self._arguments = context, builder, signature, arguments
        number = signature.args[0].dtype
        self.lanes = 8 * BYTES // number.bitwidth
        self._align = number.bitwidth // 8
        self._kind = ir.VectorType(context.get_value_type(number), self.lanes)
        self.zeros = ir.Constant(self._kind, None)

    def integer(self, value: int) -> Any:
        return ir.Constant(ir.IntType(64), value)

    def data(self, argument: int) -> Any:
        """The address of the array that is this argument."""
        array = self._context.make_array(self._signature.args[argument])
        return array(self._context, self._builder, self._arguments[argument]).data

    def load(self, data: Any, index: Any) -> Any:
        return self._builder.load(self._vector_at(data, index), align=self._align)

    def load_part(self, count: Any) -> Callable[..., Any]:
        """Loads the first `count` numbers, and zeros."""
        numbered = ir.Constant(ir.VectorType(ir.IntType(64), self.lanes), list(range(self.lanes)))
        mask = self._builder.icmp_signed("<", numbered, self._repeated(count, ir.IntType(64)))

        def load(data: Any, index: Any) -> Any:
            place, module = self._vector_at(data, index), self._builder.module
            name = f"llvm.masked.load.v{self.lanes}f{8 * self._align}.p0"
            function = ir.FunctionType(self._kind, [place.type, ir.IntType(32), mask.type, self._kind])
            masked = module.globals.get(name) or ir.Function(module, function, name)
            return self._builder.call(masked, [place, ir.Constant(ir.IntType(32), self._align), mask, self.zeros])

        return load

    def fetch(self, data: Any, index: Any) -> None:
        """Ask for the line of cache there, which may be beyond the end: into the second cache."""
        place, integer = self._builder.gep(data, [index]), ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [place.type, integer, integer, integer])
        module, name = self._builder.module, "llvm.prefetch.p0"
        fetch = module.globals.get(name) or ir.Function(module, function, name)
        self._builder.call(fetch, [place, *(ir.Constant(integer, flag) for flag in (0, 2, 1))])

    def store(self, vector: Any, data: Any, index: Any) -> None:
        self._builder.store(vector, self._vector_at(data, index), align=self._align)

    def repeat(self, number: Any) -> Any:
        return self._repeated(number, self._kind.element)

    def totals(self, vectors: list[Any]) -> Any:
        """Of as many vectors as one has numbers: number k is the sum of vector k."""
        integers = ir.VectorType(ir.IntType(32), self.lanes)
        even, odd = (ir.Constant(integers, list(range(first, 2 * self.lanes, 2))) for first in (0, 1))
        shuffle, add = self._builder.shuffle_vector, self._builder.fadd
        while len(vectors) > 1:
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [add(shuffle(a, b, even), shuffle(a, b, odd)) for a, b in pairs]
        return vectors[0]

    @contextmanager
    def steps(self, count: Any, step: int) -> Iterator[Any]:
        """0, step, 2 step, ...: as long as a whole step is left."""
        whole = self._builder.sub(count, self._builder.urem(count, self.integer(step)))
        with cgutils.for_range_slice(self._builder, self.integer(0), whole, self.integer(step)) as (index, _):
            yield index

    def _vector_at(self, data: Any, index: Any) -> Any:
        return self._builder.bitcast(self._builder.gep(data, [index]), self._kind.as_pointer())

    def _repeated(self, value: Any, element: Any) -> Any:
        kind, integers = ir.VectorType(element, self.lanes), ir.VectorType(ir.IntType(32), self.lanes)
        nothing = ir.Constant(kind, ir.Undefined)
        first = self._builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
        return self._builder.shuffle_vector(first, nothing, ir.Constant(integers, None))
