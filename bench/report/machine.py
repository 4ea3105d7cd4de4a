"""The machine in words: its processor, and the variables of its environment that keep a library from its best code.

Separate from notes.py, which is about times: this is known before anything is timed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.results.record import Record, Results
from kernels.registry import TECHNIQUES

_LONGEST_VALUE = 40
_ON = r"(?i:1|true|t|yes|y|on)"
_NOT_ZERO = r"(?!0*$).+"


@dataclass(frozen=True)
class Handicap:
    """A library, the kernels that it computes for, and the variables that keep it from its best code."""

    library: str
    kernels: tuple[str, ...]
    """Techniques, or names of kernels."""
    variables: Mapping[str, str]
    """Variable → a regular expression of its values that do so."""
    blas: str = ""
    """Only where NumPy's BLAS is this one, or is not known."""


_BLAS_KERNELS = ("numpy", "sklearn")
HANDICAPS = (
    Handicap(
        "OpenBLAS",
        _BLAS_KERNELS,
        dict.fromkeys(("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR"), ".+"),
        "openblas",
    ),
    Handicap(
        "MKL",
        _BLAS_KERNELS,
        dict.fromkeys(("MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "MKL_CBWR"), ".+"),
        "mkl",
    ),
    Handicap(
        "NumPy",
        _BLAS_KERNELS,
        dict.fromkeys(("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"), ".+"),
    ),
    Handicap(
        "Numba",
        ("numba",),
        {
            "NUMBA_CPU_NAME": ".+",
            "NUMBA_CPU_FEATURES": ".+",
            "NUMBA_ENABLE_AVX": "0+",
            "NUMBA_LOOP_VECTORIZE": "0+",
            "NUMBA_OPT": r"(?!(3|max)$).+",
            **dict.fromkeys(
                (
                    "NUMBA_DISABLE_JIT", "NUMBA_DISABLE_INTEL_SVML", "NUMBA_BOUNDSCHECK", "NUMBA_DEBUG",
                    "NUMBA_DEBUGINFO",
                ),
                _NOT_ZERO,
            ),
        },
    ),
    Handicap(
        "XLA",
        ("jax",),
        {
            "XLA_FLAGS": r".*--xla_(cpu_(max_isa|prefer_vector_width|optimize_for_size|opt_preset|disable_\w+)|"
            r"cpu_multi_thread_eigen=(false|0)|backend_optimization_level|"
            r"disable_(all_)?hlo_passes)\b.*",
            "JAX_DISABLE_JIT": _ON,
            "JAX_DISABLE_MOST_OPTIMIZATIONS": _ON,
        },
    ),
    Handicap(
        "PyTorch",
        ("torch", "torch-compile"),
        {
            **dict.fromkeys(("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"), ".+"),
            **dict.fromkeys(("MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "MKL_CBWR"), ".+"),
            **dict.fromkeys(("TORCH_COMPILE_DISABLE", "TORCHDYNAMO_DISABLE"), "1"),
        },
    ),
)  # fmt: skip
"""Each variable is read by the library that it stands with. Those that set a number of threads are not here: a worker
has its own."""


def processor(machine: Mapping[str, Any]) -> str:
    """`AMD EPYC (znver5, 512-bit vectors)`, as far as it is known."""
    bits = machine.get("vector_bits")
    parts = (machine.get("microarchitecture"), f"{bits}-bit vectors" if bits else "")
    known = ", ".join(str(part) for part in parts if part)
    return f"{machine['hardware']['cpu']}{f' ({known})' if known else ''}"


def handicaps(results: Results, records: Iterable[Record]) -> list[str]:
    """A line for each library that the environment may keep from its best code, if it computes for these records."""
    software = results.machine["software"]
    environment, blas = software["environment"], software.get("blas") or {}
    timed = [record for record in records if record.seconds and record.device != "gpu"]
    lines = []
    for handicap in HANDICAPS:
        if handicap.blas and blas.get("name") not in (None, handicap.blas):
            continue
        variables = [
            name
            for name, values in handicap.variables.items()
            if re.fullmatch(values, environment.get(name, ""), re.DOTALL)
        ]
        kernels = list(dict.fromkeys(record.kernel for record in timed if _computes_for(handicap, record)))
        if variables and kernels:
            values = ", ".join(f"{name}={_short(environment[name])}" for name in variables)
            ran = f" (it ran that for {blas['built_for']})" if handicap.blas and blas.get("built_for") else ""
            lines.append(
                f"{values} may slow {', '.join(kernels)}, since {handicap.library} may not use its best code{ran}; "
                f"measure again with env {' '.join(f'-u {name}' for name in variables)} make bench"
            )
    return lines


def _computes_for(handicap: Handicap, record: Record) -> bool:
    """Whether the library computes for the record's kernel; for a user's own, its backend decides."""
    technique = TECHNIQUES.get(record.kernel)
    if technique is None:
        return (record.backend or "").partition("-")[0] in handicap.kernels
    return technique in handicap.kernels or record.kernel in handicap.kernels


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"
