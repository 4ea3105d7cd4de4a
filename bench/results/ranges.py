"""The numbers of a results file, as types with the values that make sense: records and races have them.

A measured number, a ratio of two or a rate is far within the limits here. What is within them can be squared,
divided and multiplied without leaving the range of a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """The numbers from `least` to `most`, and the words for them."""

    least: float
    most: float
    words: str

    def accepts(self, value: float) -> bool:
        """Whether the number is one of them."""
        return self.least <= value <= self.most


class Filled:
    """The lists that have a value."""

    words = "a list that is not empty"

    def accepts(self, value: list[object]) -> bool:
        """Whether the list is one of them."""
        return bool(value)


_LARGEST = 1e30
LARGEST_COUNT = 2**63 - 1
"""Counts and sizes are smaller; arithmetic with larger ones may leave the range of a float."""

Positive = Annotated[float, Range(1 / _LARGEST, _LARGEST, "a number above 0")]
"""Seconds, ratios, rates and shares."""
NotNegative = Annotated[float, Range(0.0, _LARGEST, "a number, 0 or more")]
Size = Annotated[int, Range(1, LARGEST_COUNT, "a whole number, 1 or more")]
Count = Annotated[int, Range(0, LARGEST_COUNT, "a whole number, 0 or more")]
