"""What an intrinsic reads and writes: arrays, in vectors as wide as the processor's, and local variables.

A position in memory is the address of an array's data and an index, which counts numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils

from kernels._numba.vector_values import DOUBLE, INT32, Value, call, constant, suffix

_FEATURES = binding.get_host_cpu_features()
BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
"""Of the processor's widest vector."""
_INT64 = ir.IntType(64)


class Memory:
    """An intrinsic's arrays, read and written in the processor's widest vectors of the first array's dtype."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> None:
        self._context, self._signature, self._arguments = context, signature, arguments
        self.builder = builder
        number = context.get_value_type(signature.args[0].dtype)
        self.bytes = signature.args[0].dtype.bitwidth // 8
        self.lanes = BYTES // self.bytes
        self._kind = ir.VectorType(number, self.lanes)

    def data(self, argument: int) -> Any:
        """The address of the data of the array that is this argument."""
        array = self._context.make_array(self._signature.args[argument])
        return array(self._context, self.builder, self._arguments[argument]).data

    def zeros(self) -> Value:
        """A vector of zeros."""
        return Value(self.builder, constant(self._kind, 0))

    def repeat(self, number: Any) -> Value:
        """A vector with the number in every lane."""
        return Value(self.builder, self._repeated(number, self._kind))

    def number(self, data: Any, index: Any) -> Any:
        """Load one number."""
        return self.builder.load(self.builder.gep(data, [index]))

    def load(self, data: Any, index: Any) -> Value:
        """Load a vector of the array's dtype; it need not be aligned."""
        pointer = self._vector(data, index)
        return Value(self.builder, self.builder.load(pointer, align=self._align(pointer)))

    def load_first(self, count: Any, data: Any, index: Any) -> Value:
        """Load `count` numbers, and zeros in the other lanes."""
        pointer = self._vector(data, index)
        arguments = [pointer, constant(INT32, self.bytes), self.first(count), constant(self._kind, 0)]
        return Value(
            self.builder, call(self.builder, f"llvm.masked.load.{suffix(self._kind)}.p0", self._kind, arguments)
        )

    def store(self, value: Value, data: Any, index: Any) -> None:
        """Store a vector; the position need not be aligned."""
        pointer = self._vector(data, index)
        self.builder.store(value.ir_value, pointer, align=self._align(pointer))

    def first(self, count: Any) -> Any:
        """The mask of the first `count` lanes of a vector."""
        kind = ir.VectorType(_INT64, self.lanes)
        return self.builder.icmp_signed("<", ir.Constant(kind, list(range(self.lanes))), self._repeated(count, kind))

    def prefetch(self, data: Any, index: Any, into_l2: bool = False) -> None:
        """Prefetch a cache line, which may be beyond the end of the array, into the L1 or the L2 cache."""
        to_read, cache, as_data = (constant(INT32, flag) for flag in (0, 2 if into_l2 else 3, 1))
        arguments = [self.builder.gep(data, [index]), to_read, cache, as_data]
        call(self.builder, "llvm.prefetch.p0", ir.VoidType(), arguments)

    def plus(self, one: Any, other: Any) -> Any:
        """The sum of two indices."""
        return self.builder.add(one, as_index(other))

    def times(self, one: Any, other: Any) -> Any:
        """The product of two indices."""
        return self.builder.mul(one, as_index(other))

    def rounded_down(self, number: Any, step: int) -> Any:
        """The largest multiple of step that is at most this number."""
        return self.builder.sub(number, self.builder.urem(number, as_index(step)))

    def smaller(self, one: Any, other: Any) -> Any:
        """The smaller of two indices."""
        return self.builder.select(self.builder.icmp_signed("<", one, other), one, other)

    @contextmanager
    def steps(self, first: Any, last: Any, step: int) -> Iterator[Any]:
        """A loop over first, first + step, ... below last."""
        with cgutils.for_range_slice(self.builder, as_index(first), last, as_index(step)) as (index, _):
            yield index

    def _vector(self, data: Any, index: Any) -> Any:
        kind = ir.VectorType(data.type.pointee, self.lanes)
        return self.builder.bitcast(self.builder.gep(data, [as_index(index)]), kind.as_pointer())

    def _align(self, pointer: Any) -> int:
        return 8 if pointer.type.pointee.element == DOUBLE else 4

    def _repeated(self, number: Any, kind: Any) -> Any:
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(undefined, number, constant(INT32, 0))
        return self.builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT32, kind.count), None))


@dataclass(frozen=True)
class Variable:
    """A local variable, which LLVM keeps in a register."""

    builder: Any
    _pointer: Any

    @classmethod
    def of(cls, value: Value) -> Variable:
        """A variable with this initial value."""
        return cls(value.builder, cgutils.alloca_once_value(value.builder, value.ir_value))

    @property
    def value(self) -> Value:
        """Its current value."""
        return Value(self.builder, self.builder.load(self._pointer))

    def set(self, value: Value) -> None:
        """Assign a value."""
        self.builder.store(value.ir_value, self._pointer)

    def add(self, value: Value) -> None:
        """Add a value."""
        self.set(self.value + value)


def as_index(number: Any) -> Any:
    """An index as a value of LLVM; one that is already such a value is returned."""
    return constant(_INT64, number) if isinstance(number, int) else number
