"""The machine's fingerprint, which is part of every results file, and its short id.

Everything is read from the system; what cannot be read is None. It contains no host name, user name or path.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.host import processor, resources
from bench.host.resources import affinity, cpu_quota, usable_cores
from bench.host.sanitize import strip_paths

_LIBRARIES = (
    "numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "numexpr", "scikit-learn", "glum", "torch",
    "daal", "pytest", "pytest-benchmark", "threadpoolctl",
)  # fmt: skip
_PRIVATE_VARIABLES = re.compile("ADDRESS|HOST|DIR|PATH|FILE")  # they identify a person or machine, and no speed
_LIBRARY_VARIABLES = re.compile(
    "(OMP|GOMP|KMP|OPENBLAS|GOTO|MKL|BLIS|VECLIB|NPY|NUMBA|NUMEXPR|XLA|JAX|TORCH|TORCHINDUCTOR|TORCHDYNAMO|ATEN|ONEDNN|DNNL|"
    r"MALLOC)_\w+"
)


@cache
def identity() -> str:
    """The short id of this machine: readable words, and eight hex digits of a hash of its hardware."""
    return short_id(_hardware())


@cache
def fingerprint() -> dict[str, Any]:
    """The machine as JSON values. The id depends on `hardware` only: settings and software may change.

    It imports NumPy and Numba to ask for their threads, so call it when nothing is left to time.
    """
    gpus = _gpus()
    settings = {
        "governor": resources.read_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "turbo": _turbo(),
        "page_bytes": os.sysconf("SC_PAGE_SIZE"),
        "transparent_huge_pages": _bracketed(resources.read_file("/sys/kernel/mm/transparent_hugepage/enabled")),
        "cpu_quota_cores": cpu_quota(),
        "cores_in_affinity": affinity(),
        "hypervisor": None if (flags := _cpuinfo("flags")) is None else "hypervisor" in flags.split(),
    }
    software = {
        "os": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
        "blas": _blas(),
        "numba_threading": _numba_threading(),
        "gpu_driver": gpus[0]["driver_version"] if gpus else None,
        "environment": _environment(),
    }
    return {
        "id": identity(),
        # not in the hardware, so that a machine keeps the id that it had before these were known
        "microarchitecture": processor.microarchitecture(),
        "vector_bits": processor.vector_bits(),
        "hardware": _hardware(),
        "settings": settings,
        "software": software,
    }


def _hardware() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": usable_cores(),
        "caches": _caches(),
        "memory_gib": _memory_gib(),
        "gpus": [{"name": gpu["name"], "memory": gpu["memory.total"]} for gpu in _gpus()],
    }


def short_id(hardware: dict[str, Any]) -> str:
    """The id of a machine with this hardware."""
    words = re.sub(r"\((r|tm)\)|\b(cpu|processor|with)\b|@.*", " ", hardware["cpu"].lower())
    slug = "-".join(re.findall(r"[a-z0-9]+", words)[:4]) or "unknown"
    gpu = "".join(f"-{'-'.join(re.findall(r'[a-z0-9]+', g['name'].lower())[:2])}" for g in hardware["gpus"][:1])
    digest = hashlib.sha256(repr(sorted(hardware.items())).encode()).hexdigest()[:8]
    return f"{slug}{gpu}-{hardware['cores']}c-{digest}"


def _cpu_model() -> str:
    return _cpuinfo("model name") or _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()


def _cpuinfo(field: str) -> str | None:
    line = re.search(rf"^{field}\s*:\s*(.+)$", resources.read_file("/proc/cpuinfo") or "", re.MULTILINE)
    return line[1].strip() if line else None


def _caches() -> list[dict[str, Any]]:
    """The data caches of the first core; `shared_by` is a number of cores."""
    caches = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        size, kind = resources.read_file(index / "size"), resources.read_file(index / "type")
        if size and kind and kind != "Instruction":
            shared = resources.read_file(index / "shared_cpu_list") or "0"
            spans = [[int(core) for core in span.split("-")] for span in shared.split(",")]
            caches.append(
                {
                    "level": int(resources.read_file(index / "level") or 0),
                    "bytes": int(size.rstrip("K")) * 1024,
                    "line_bytes": int(resources.read_file(index / "coherency_line_size") or 0) or None,
                    "shared_by": sum(span[-1] - span[0] + 1 for span in spans),
                }
            )
    return caches


def _memory_gib() -> int:
    import psutil

    return int(psutil.virtual_memory().total / 2**30 + 0.5)


def _turbo() -> bool | None:
    if (off := resources.read_file("/sys/devices/system/cpu/intel_pstate/no_turbo")) is not None:
        return off == "0"
    boost = resources.read_file("/sys/devices/system/cpu/cpufreq/boost")
    return None if boost is None else boost == "1"


def _blas() -> dict[str, Any] | None:
    """NumPy's BLAS; if threadpoolctl is installed, with its number of threads and the processor whose code it runs.

    This process and the workers choose that code alike: they have the same variables, but for numbers of threads.
    """
    import numpy as np

    try:
        import threadpoolctl
    except ImportError:
        built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return {"name": built.get("name"), "version": built.get("version"), "threads": None}
    loaded = [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
    # NumPy's own; or the system's, which is in no package's folder
    own = [library for library in loaded if "numpy" in library["filepath"]]
    shared = [library for library in loaded if "site-packages" not in library["filepath"]]
    for library in (own + shared)[:1]:
        return {
            "name": library["internal_api"],
            "version": library["version"],
            "threads": library["num_threads"],
            "built_for": library.get("architecture"),
        }
    return None


def _numba_threading() -> dict[str, Any] | None:
    try:
        import numba
    except ImportError:
        return None
    return {"layer": numba.config.THREADING_LAYER, "threads": numba.config.NUMBA_NUM_THREADS}


def _environment() -> dict[str, str]:
    """The variables that change the number of threads or the code of a library, without those that name folders."""
    return {
        name: strip_paths(value)
        for name, value in sorted(os.environ.items())
        if _LIBRARY_VARIABLES.fullmatch(name) and not _PRIVATE_VARIABLES.search(name)
    }


@cache
def _gpus() -> list[dict[str, str]]:
    fields = ("name", "driver_version", "memory.total")
    listed = _output("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader") or ""
    rows = (line.split(", ") for line in listed.splitlines())
    return [dict(zip(fields, row, strict=True)) for row in rows if len(row) == len(fields)]


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _bracketed(choices: str | None) -> str | None:
    chosen = re.search(r"\[(\w+)\]", choices or "")
    return chosen[1] if chosen else None


def _output(*command: str) -> str | None:
    """What the command prints; None where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:  # a GPU's driver may take many seconds to start
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
