"""What an intrinsic reads and writes: arrays in memory, in vectors as wide as the processor's, and variables.

Memory is an address and a place, which counts numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils

from kernels._numba.vector_values import DOUBLE, INDEX, Value, call, constant, suffix

_FEATURES = binding.get_host_cpu_features()
BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
"""Of a vector."""
_PLACE = ir.IntType(64)


class Memory:
    """An intrinsic's arrays, read and written in vectors as wide as the processor's of the first array's numbers."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> None:
        self._context, self._signature, self._arguments = context, signature, arguments
        self.builder = builder
        number = context.get_value_type(signature.args[0].dtype)
        self.bytes = signature.args[0].dtype.bitwidth // 8
        self.lanes = BYTES // self.bytes
        self._kind = ir.VectorType(number, self.lanes)

    def data(self, argument: int) -> Any:
        """The address of the array that is this argument."""
        array = self._context.make_array(self._signature.args[argument])
        return array(self._context, self.builder, self._arguments[argument]).data

    def zeros(self) -> Value:
        """A vector of them."""
        return Value(self.builder, constant(self._kind, 0))

    def repeat(self, number: Any) -> Value:
        """The number, in every place."""
        return Value(self.builder, self._repeated(number, self._kind))

    def number(self, data: Any, place: Any) -> Any:
        """One number."""
        return self.builder.load(self.builder.gep(data, [place]))

    def load(self, data: Any, place: Any) -> Value:
        """A vector, wherever it begins, of the kind of number that lies there."""
        at = self._vector(data, place)
        return Value(self.builder, self.builder.load(at, align=self._align(at)))

    def load_first(self, count: Any, data: Any, place: Any) -> Value:
        """The first `count` numbers there, and zeros."""
        at = self._vector(data, place)
        arguments = [at, constant(INDEX, self.bytes), self.first(count), constant(self._kind, 0)]
        return Value(
            self.builder, call(self.builder, f"llvm.masked.load.{suffix(self._kind)}.p0", self._kind, arguments)
        )

    def store(self, value: Value, data: Any, place: Any) -> None:
        """A vector, wherever it begins."""
        at = self._vector(data, place)
        self.builder.store(value.ir_value, at, align=self._align(at))

    def first(self, count: Any) -> Any:
        """Which places of a vector are among the first so many."""
        kind = ir.VectorType(_PLACE, self.lanes)
        return self.builder.icmp_signed("<", ir.Constant(kind, list(range(self.lanes))), self._repeated(count, kind))

    def prefetch(self, data: Any, place: Any, second: bool = False) -> None:
        """Ask for the line there, which may be beyond the end, into the first cache, or the second."""
        to_read, cache, as_data = (constant(INDEX, flag) for flag in (0, 2 if second else 3, 1))
        arguments = [self.builder.gep(data, [place]), to_read, cache, as_data]
        call(self.builder, "llvm.prefetch.p0", ir.VoidType(), arguments)

    def plus(self, one: Any, other: Any) -> Any:
        """The sum of two places."""
        return self.builder.add(one, place(other))

    def times(self, one: Any, other: Any) -> Any:
        """The product of two places."""
        return self.builder.mul(one, place(other))

    def rounded_down(self, number: Any, step: int) -> Any:
        """The multiple of step that comes before."""
        return self.builder.sub(number, self.builder.urem(number, place(step)))

    def smaller(self, one: Any, other: Any) -> Any:
        """Of two places."""
        return self.builder.select(self.builder.icmp_signed("<", one, other), one, other)

    @contextmanager
    def steps(self, first: Any, last: Any, step: int) -> Iterator[Any]:
        """first, first + step, ..., before last."""
        with cgutils.for_range_slice(self.builder, place(first), last, place(step)) as (at, _):
            yield at

    def _vector(self, data: Any, at: Any) -> Any:
        kind = ir.VectorType(data.type.pointee, self.lanes)
        return self.builder.bitcast(self.builder.gep(data, [place(at)]), kind.as_pointer())

    def _align(self, at: Any) -> int:
        return 8 if at.type.pointee.element == DOUBLE else 4

    def _repeated(self, number: Any, kind: Any) -> Any:
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(nothing, number, constant(INDEX, 0))
        return self.builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(INDEX, kind.count), None))


@dataclass(frozen=True)
class Variable:
    """A variable: LLVM keeps it in a register."""

    builder: Any
    _at: Any

    @classmethod
    def of(cls, value: Value) -> Variable:
        """One that begins with this value."""
        return cls(value.builder, cgutils.alloca_once_value(value.builder, value.ir_value))

    @property
    def value(self) -> Value:
        """What it holds now."""
        return Value(self.builder, self.builder.load(self._at))

    def set(self, value: Value) -> None:
        """Hold this from now on."""
        self.builder.store(value.ir_value, self._at)

    def add(self, value: Value) -> None:
        """Hold the sum."""
        self.set(self.value + value)


def place(number: Any) -> Any:
    """A place as LLVM knows it; what is one already is left as it is."""
    return constant(_PLACE, number) if isinstance(number, int) else number
