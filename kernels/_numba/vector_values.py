"""Numbers and vectors of numbers in LLVM's instructions, written as formulas.

A loop that Numba compiles has vectors only where LLVM finds them; these are spelled out. A `Value` is one
number or a vector of them: + − × ÷ and comparisons are one instruction each, and a Python number beside it stands
for itself in every place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

_LANE_BYTES = 16
"""Within which x86 shuffles in one cycle; across, in three and more."""
DOUBLE, INDEX = ir.DoubleType(), ir.IntType(32)


@dataclass(frozen=True)
class Value:
    """A floating-point number or a vector of them, and the builder that its instructions go to."""

    builder: Any
    ir_value: Any

    @property
    def kind(self) -> Any:
        """NumPy's class of the numbers."""
        return np.float32 if isinstance(_element(self.ir_value.type), ir.FloatType) else np.float64

    @property
    def count(self) -> int:
        """How many numbers."""
        return getattr(self.ir_value.type, "count", 1)

    def splat(self, number: float) -> Value:
        """The number, in every place."""
        return self._of(constant(self.ir_value.type, number))

    def __add__(self, other: Value | float) -> Value:
        return self._of(self.builder.fadd(self.ir_value, self._beside(other)))

    def __sub__(self, other: Value | float) -> Value:
        return self._of(self.builder.fsub(self.ir_value, self._beside(other)))

    def __rsub__(self, other: float) -> Value:
        return self.splat(other) - self

    def __mul__(self, other: Value | float) -> Value:
        return self._of(self.builder.fmul(self.ir_value, self._beside(other)))

    def __truediv__(self, other: Value | float) -> Value:
        return self._of(self.builder.fdiv(self.ir_value, self._beside(other)))

    def __gt__(self, other: Value | float) -> Any:
        return self.builder.fcmp_ordered(">", self.ir_value, self._beside(other))

    def __ge__(self, other: Value | float) -> Any:
        return self.builder.fcmp_ordered(">=", self.ir_value, self._beside(other))

    def where(self, condition: Any, other: Value | float) -> Value:
        """Itself where the condition holds, else the other."""
        return self._of(self.builder.select(condition, self.ir_value, self._beside(other)))

    def magnitude(self) -> Value:
        """|x|."""
        return self._of(
            call(self.builder, f"llvm.fabs.{suffix(self.ir_value.type)}", self.ir_value.type, [self.ir_value])
        )

    def times_power(self, power: Value) -> Value:
        """x · 2^k, k being the lowest bits of the other's fraction: an addition to the exponent, as an integer."""
        bits = _like(self.ir_value.type, ir.IntType(8 * np.dtype(self.kind).itemsize))
        number, k = (self.builder.bitcast(value, bits) for value in (self.ir_value, power.ir_value))
        raised = self.builder.add(number, self.builder.shl(k, constant(bits, np.finfo(self.kind).nmant)))
        return self._of(self.builder.bitcast(raised, self.ir_value.type))

    def widened(self) -> Value:
        """In double."""
        return (
            self
            if self.kind is np.float64
            else self._of(self.builder.fpext(self.ir_value, _like(self.ir_value.type, DOUBLE)))
        )

    def total(self) -> Value:
        """The sum of this vector's numbers, one half added to the other."""
        value = self
        while value.count > 1:
            half = value.count // 2
            value = value.shuffled(value, range(half)) + value.shuffled(value, range(half, value.count))
        return self._of(self.builder.extract_element(value.ir_value, constant(INDEX, 0)))

    def shuffled(self, other: Value, places: Sequence[int]) -> Value:
        """The numbers at these places of the two vectors, one after the other."""
        chosen = ir.Constant(ir.VectorType(INDEX, len(places)), list(places))
        return self._of(self.builder.shuffle_vector(self.ir_value, other.ir_value, chosen))

    def _of(self, ir_value: Any) -> Value:
        return Value(self.builder, ir_value)

    def _beside(self, other: Value | float) -> Any:
        return other.ir_value if isinstance(other, Value) else constant(self.ir_value.type, other)


def polynomial(coefficients: Sequence[float], x: Value) -> Value:
    """Horner's rule, without a loop; coefficients from the constant up."""
    value = x.splat(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def horizontal_sums(vectors: Sequence[Value]) -> Value:
    """Of as many vectors as one has numbers: number k is the sum of vector k.

    Two vectors become one of the sums of neighbours, of the first and of the second: at first of single numbers,
    within each lane, where that is cheapest; then of whole lanes.
    """
    count = vectors[0].count
    in_lane = _LANE_BYTES // np.dtype(vectors[0].kind).itemsize
    while len(vectors) > 1:
        within, block = (in_lane, 1) if count // len(vectors) < in_lane else (count, in_lane)

        def neighbours(first: int, within: int = within, block: int = block) -> list[int]:
            return [
                vector + place + k
                for start in range(0, count, within)
                for vector in (0, count)
                for place in range(start + first * block, start + within, 2 * block)
                for k in range(block)
            ]

        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [a.shuffled(b, neighbours(0)) + a.shuffled(b, neighbours(1)) for a, b in pairs]
    return vectors[0]


def constant(kind: Any, number: float) -> Any:
    """The number, in every place of a vector."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def _element(kind: Any) -> Any:
    return getattr(kind, "element", kind)


def _like(kind: Any, element: Any) -> Any:
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def suffix(kind: Any) -> str:
    """How LLVM's own functions of this kind of value end."""
    bits = "f32" if isinstance(_element(kind), ir.FloatType) else "f64"
    return f"v{kind.count}{bits}" if isinstance(kind, ir.VectorType) else bits


def call(builder: Any, name: str, returns: Any, arguments: Sequence[Any]) -> Any:
    """Of one of LLVM's own functions."""
    kind = ir.FunctionType(returns, [argument.type for argument in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, arguments)
