"""Floating-point numbers and vectors in LLVM's intermediate representation, written as formulas.

In a loop that Numba compiles, vector instructions depend on LLVM's vectoriser; here they are explicit. A `Value` is
one number or a vector: + − × ÷ and comparisons are one instruction each, and a Python number as the other operand is
used in every lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

_SHUFFLE_BYTES = 16
"""x86 shuffles within such a part of a vector in one cycle, and across parts in three or more."""
DOUBLE, INT32 = ir.DoubleType(), ir.IntType(32)


@dataclass(frozen=True)
class Value:
    """A floating-point number or a vector, and the builder of its instructions."""

    builder: Any
    ir_value: Any

    @property
    def kind(self) -> Any:
        """numpy.float32 or numpy.float64."""
        return np.float32 if isinstance(_element(self.ir_value.type), ir.FloatType) else np.float64

    @property
    def count(self) -> int:
        """The number of lanes, 1 for a number."""
        return getattr(self.ir_value.type, "count", 1)

    def splat(self, number: float) -> Value:
        """A value of this type with the number in every lane."""
        return self._of(constant(self.ir_value.type, number))

    def __add__(self, other: Value | float) -> Value:
        return self._of(self.builder.fadd(self.ir_value, self._operand(other)))

    def __sub__(self, other: Value | float) -> Value:
        return self._of(self.builder.fsub(self.ir_value, self._operand(other)))

    def __rsub__(self, other: float) -> Value:
        return self.splat(other) - self

    def __mul__(self, other: Value | float) -> Value:
        return self._of(self.builder.fmul(self.ir_value, self._operand(other)))

    def __truediv__(self, other: Value | float) -> Value:
        return self._of(self.builder.fdiv(self.ir_value, self._operand(other)))

    def __gt__(self, other: Value | float) -> Any:
        return self.builder.fcmp_ordered(">", self.ir_value, self._operand(other))

    def __ge__(self, other: Value | float) -> Any:
        return self.builder.fcmp_ordered(">=", self.ir_value, self._operand(other))

    def where(self, condition: Any, other: Value | float) -> Value:
        """Select this value where the condition holds, else the other."""
        return self._of(self.builder.select(condition, self.ir_value, self._operand(other)))

    def magnitude(self) -> Value:
        """|x|."""
        return self._of(
            call(self.builder, f"llvm.fabs.{suffix(self.ir_value.type)}", self.ir_value.type, [self.ir_value])
        )

    def times_power(self, power: Value) -> Value:
        """x · 2^k by integer addition to the exponent. k is in the lowest bits of the fraction of `power`."""
        bits = _like(self.ir_value.type, ir.IntType(8 * np.dtype(self.kind).itemsize))
        number, k = (self.builder.bitcast(value, bits) for value in (self.ir_value, power.ir_value))
        raised = self.builder.add(number, self.builder.shl(k, constant(bits, np.finfo(self.kind).nmant)))
        return self._of(self.builder.bitcast(raised, self.ir_value.type))

    def widened(self) -> Value:
        """Convert to double."""
        return (
            self
            if self.kind is np.float64
            else self._of(self.builder.fpext(self.ir_value, _like(self.ir_value.type, DOUBLE)))
        )

    def total(self) -> Value:
        """The sum of the lanes, by adding one half to the other."""
        value = self
        while value.count > 1:
            half = value.count // 2
            value = value.shuffled(value, range(half)) + value.shuffled(value, range(half, value.count))
        return self._of(self.builder.extract_element(value.ir_value, constant(INT32, 0)))

    def shuffled(self, other: Value, lanes: Sequence[int]) -> Value:
        """The vector of these lanes of the two vectors; the lanes of the other follow those of this one."""
        mask = ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes))
        return self._of(self.builder.shuffle_vector(self.ir_value, other.ir_value, mask))

    def _of(self, ir_value: Any) -> Value:
        return Value(self.builder, ir_value)

    def _operand(self, other: Value | float) -> Any:
        return other.ir_value if isinstance(other, Value) else constant(self.ir_value.type, other)


def polynomial(coefficients: Sequence[float], x: Value) -> Value:
    """Horner's rule, unrolled; the constant coefficient first."""
    value = x.splat(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def horizontal_sums(vectors: Sequence[Value]) -> Value:
    """A vector whose lane k is the sum of vector k, for as many vectors as one has lanes.

    Each step makes one vector of two: it holds the sums of neighbours in the first and in the second. Neighbours are
    first single numbers within a part of `_SHUFFLE_BYTES`, where a shuffle is cheapest, then whole parts.
    """
    count = vectors[0].count
    part = _SHUFFLE_BYTES // np.dtype(vectors[0].kind).itemsize
    while len(vectors) > 1:
        within, width = (part, 1) if count // len(vectors) < part else (count, part)

        def neighbours(first: int, within: int = within, width: int = width) -> list[int]:
            return [
                vector + lane + k
                for start in range(0, count, within)
                for vector in (0, count)
                for lane in range(start + first * width, start + within, 2 * width)
                for k in range(width)
            ]

        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [a.shuffled(b, neighbours(0)) + a.shuffled(b, neighbours(1)) for a, b in pairs]
    return vectors[0]


def constant(kind: Any, number: float) -> Any:
    """A constant of this type, with the number in every lane of a vector."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def _element(kind: Any) -> Any:
    return getattr(kind, "element", kind)


def _like(kind: Any, element: Any) -> Any:
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def suffix(kind: Any) -> str:
    """The suffix of the names of LLVM's intrinsic functions for this type."""
    bits = "f32" if isinstance(_element(kind), ir.FloatType) else "f64"
    return f"v{kind.count}{bits}" if isinstance(kind, ir.VectorType) else bits


def call(builder: Any, name: str, returns: Any, arguments: Sequence[Any]) -> Any:
    """Call an intrinsic function of LLVM."""
    kind = ir.FunctionType(returns, [argument.type for argument in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, arguments)
