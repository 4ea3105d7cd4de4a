"""Which processor this is, beyond its name: on rented machines, several generations are all called "AMD EPYC".

LLVM reads it from the processor itself (CPUID). Tables of features name a wrong generation where a virtual machine
hides a feature: a Zen 3 without `pku` looks like a Zen 2. LLVM is here anyway, since Numba compiles with it.
"""

from __future__ import annotations

from typing import Any

_VECTOR_BITS = {"avx512f": 512, "avx2": 256, "avx": 256, "sse2": 128, "neon": 128}
"""LLVM's name of a set of instructions → the bits of its vectors, widest first. Arm's SVE has no fixed width."""
_NAMELESS = ("", "generic", "x86-64", "i386", "i486", "i586", "i686")
"""What LLVM says of a processor that it does not know."""


def microarchitecture() -> str | None:
    """LLVM's name, as for a compiler's -march, such as `znver5`; None where it is not known."""
    try:
        name = str(_llvm().get_host_cpu_name())
    except Exception:  # without llvmlite, or with one that cannot tell
        return None
    return None if name in _NAMELESS else name


def vector_bits() -> int | None:
    """The width of the widest vectors that processor and system allow; None where it is not known."""
    try:
        features = _llvm().get_host_cpu_features()
        return next((bits for feature, bits in _VECTOR_BITS.items() if features.get(feature)), None)
    except Exception:  # as above; LLVM raises RuntimeError where it has no way to ask
        return None


def _llvm() -> Any:
    import llvmlite.binding

    return llvmlite.binding
