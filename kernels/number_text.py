"""Numbers in texts that a user gives, in digits 0 to 9 alone.

int() and float() also take spaces, 1_000, inf and the digits of every script; int() refuses more than 4300 digits.
"""

from __future__ import annotations

import re
from math import isfinite


def whole_number(text: str) -> int:
    """A whole number such as 2 or -2. Raises ValueError."""
    if not re.fullmatch(r"-?[0-9]{1,15}", text):  # 15 digits are exact in a float
        raise ValueError("no whole number")
    return int(text)


def decimal_number(text: str) -> float:
    """A finite number such as 2, 0.5 or 1e-3. Raises ValueError."""
    if not re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text) or not isfinite(float(text)):
        raise ValueError("no number")
    return float(text)
