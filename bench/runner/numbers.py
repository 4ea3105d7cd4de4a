"""Numbers that a user gives, on a command line or from a program: which make sense, and the error for the others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Generic, TypeVar

from bench.host import resources
from kernels.number_text import decimal_number, whole_number

T = TypeVar("T", int, float)
_LONGEST_WRITTEN = 1e12
"""Larger limits are written as powers of ten."""


@dataclass(frozen=True)
class Numbers(Generic[T]):
    """The numbers that make sense for one option."""

    read: Callable[[str], T]
    """`whole_number` or `decimal_number`."""
    least: T
    most: float = sys.float_info.max
    above: bool = False
    """Whether the least makes no sense itself."""
    note: str = ""
    """What a user must know beside the range."""

    def __str__(self) -> str:
        """`a whole number from 1 to 4`."""
        most = f"{self.most:,.0f}" if self.most < _LONGEST_WRITTEN else f"{self.most:g}"
        kind = "a whole number" if self.read is whole_number else "a number"
        limited = self.most < sys.float_info.max
        if self.above:
            words = f" above {self.least:g}{f', at most {most}' if limited else ''}"
        else:
            words = f" from {self.least:g} to {most}" if limited else f", {self.least:g} or more"
        return f"{kind}{words}{self.note}"

    def parse(self, name: str, text: str) -> T:
        """The number in the text. Raises ValueError, in one line, with the name of the option."""
        try:
            value = self.read(text)
        except ValueError:
            raise ValueError(f"{name} is {text!r:.40}; expected {self}") from None
        return self.require(name, value)

    def require(self, name: str, value: T) -> T:
        """The number, if it makes sense. Raises ValueError, in one line, with its name."""
        kind = Integral if self.read is whole_number else Real
        known = isinstance(value, kind) and not isinstance(value, bool)
        if known and self.least <= value <= self.most and not (self.above and value == self.least):
            return value
        raise ValueError(
            f"{name} is {f'{value:g}' if isinstance(value, float) else f'{value!r:.40}'}; expected {self}"
        )


LAUNCHES = Numbers(whole_number, 1, 10_000)
"""All are planned before the first starts."""
LAUNCHES_WITH_INTERVAL = Numbers(whole_number, 2, 10_000, note=": one has no interval")
SECONDS = Numbers(decimal_number, 0.0, 100_000)
"""A day, for each kernel. They are planned as launches."""
TIMEOUT = Numbers(decimal_number, 0.0, 1_000_000, above=True)
"""Of seconds; a socket's timeout ends at 2⁶³ ns."""
ABOVE_0 = Numbers(decimal_number, 0.0, above=True)
RATE = Numbers(decimal_number, 1e-20, 1e25)
"""Of learning: what a file can keep."""
PERCENT = Numbers(decimal_number, 0.0)


def threads() -> Numbers[int]:
    """The numbers of threads of a kernel on this machine."""
    return Numbers(whole_number, 1, resources.usable_cores())
