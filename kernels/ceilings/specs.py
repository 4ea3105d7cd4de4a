"""What is measured of the machine, and by which kernels; a literal table."""

from __future__ import annotations

METHODS = {"read": ("(read-sum)", "(read-bits)"), "sigmoid": ("(sigmoid)",), "multiply": ("(multiply)",)}
"""What is measured → the workers that do it, each in its way; the fastest counts."""
SPECS = {
    "(read-sum)": "kernels.ceilings.numba_ceilings:READ_SUM",
    "(read-bits)": "kernels.ceilings.numba_ceilings:READ_BITS",
    "(sigmoid)": "kernels.ceilings.numba_ceilings:SIGMOID",
    "(multiply)": "kernels.ceilings.numba_ceilings:MULTIPLY",
}
_REPEATED_BYTES = 2**25
"""Of X, at least, in a call: 300 µs at 100 GB/s, against some 10 that calling all threads takes."""


def repeats(bytes_of_x: int) -> int:
    """How often one call of a ceiling does its work."""
    return max(1, _REPEATED_BYTES // bytes_of_x)
