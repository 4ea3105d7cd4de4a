"""The ceilings of the machine, and the kernels that measure them, as literal tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

METHODS = {
    "read": ("(read-sum)", "(read-bits)"),
    "sigmoid": ("(sigmoid)",),
    "multiply": ("(multiply)",),
    "arithmetic": ("(arithmetic)",),
    "matmul": ("(matmul-64)", "(matmul-240)"),
}
"""Ceiling → the workers that measure it, each by its own method. The fastest counts. The arithmetic is the sigmoids
and the products of one pass in one loop; matmul, only of operations that have them, products of matrices by BLAS."""
MATMUL = "matmul"
ARITHMETIC, PARTS = "arithmetic", ("sigmoid", "multiply")
SPECS = {
    "(read-sum)": "kernels.ceilings.numba_ceilings:READ_SUM",
    "(read-bits)": "kernels.ceilings.numba_ceilings:READ_BITS",
    "(sigmoid)": "kernels.ceilings.numba_ceilings:SIGMOID",
    "(multiply)": "kernels.ceilings.numba_ceilings:MULTIPLY",
    "(arithmetic)": "kernels.ceilings.numba_ceilings:ARITHMETIC",
    "(matmul-64)": "kernels.ceilings.matmul:ROWS_64",
    "(matmul-240)": "kernels.ceilings.matmul:ROWS_240",
}
OPERATION = "kernels.ceilings.operation:CEILINGS"
UNITS = {"read": "bytes", "sigmoid": "sigmoids", "multiply": "flops"}
"""Ceiling → what it is an amount of; for those that an operation has an amount of. The arithmetic follows from its
parts, and matmul's flops are of one call."""
_REPEATED_FLOPS = 2**27
"""The least of matmul in a call: 1 ms at 130 GFLOP/s."""
_REPEATED_BYTES = 2**25
"""The least to read in a call: 300 µs at 100 GB/s, against about 10 µs to start all threads."""


def repeats(bytes_of_x: int) -> int:
    """How often a ceiling repeats its work in one call."""
    return max(1, _REPEATED_BYTES // bytes_of_x)


def amounts(m: int, n: int, itemsize: int) -> dict[str, float]:
    """Ceiling → the amount of one pass over X, (m, n), and y: bytes read, sigmoids, flops."""
    return {"read": (m * n + m) * itemsize, "sigmoid": m, "multiply": 4 * m * n}


def of_work(work: Mapping[str, float]) -> tuple[str, ...]:
    """The ceilings that are measured for this work: ceiling → its amount in one call."""
    return tuple(name for name in METHODS if name != MATMUL or MATMUL in work)


def matmul_flops(shapes: Sequence[tuple[int, int]]) -> int:
    """Of one example, forward and backward; shapes: (inputs, units) of each layer. X gets no gradient."""
    products = [inputs * units for inputs, units in shapes]
    return 2 * (3 * sum(products) - products[0]) if products else 0


def matmul_repeats(flops: float) -> int:
    """How often matmul repeats the work of a call."""
    return max(1, int(_REPEATED_FLOPS // flops))
