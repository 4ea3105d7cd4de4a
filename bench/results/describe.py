"""A run's hardware, software, settings and operations, as readable names and values."""

from __future__ import annotations

from typing import Any

from bench.results.record import Results
from kernels.contract import Operation

_PROCESSOR = ("microarchitecture", "vector_bits")


def describe_operation(operation: Operation) -> dict[str, Any]:
    """What a report must know of an operation, so that it can be read without its code."""
    return {
        "summary": operation.summary,
        "figures": dict(operation.figures),
        "texts": dict(operation.texts),
        "options": list(operation.options),
    }


def hardware(results: Results) -> dict[str, Any]:
    """The machine's hardware, and the settings of its system."""
    parts, system_settings = results.machine["hardware"], results.machine.get("settings", {})
    caches = {f"L{cache['level']} cache": _cache(cache) for cache in parts.get("caches") or ()}
    memory = parts.get("memory_gib")
    return {
        "CPU": parts.get("cpu"),
        **{key.replace("_", " "): results.machine[key] for key in _PROCESSOR if results.machine.get(key)},
        "architecture": parts.get("architecture"),
        "cores": parts.get("cores"),
        **caches,
        "memory": memory if memory is None else f"{memory} GiB",
        "GPU": ", ".join(f"{gpu['name']} ({gpu['memory']})" for gpu in parts.get("gpus") or ()) or "none",
        **{name.replace("_", " "): value for name, value in system_settings.items()},
    }


def software(results: Results) -> dict[str, Any]:
    """The operating system, the libraries, and the environment variables that affect them."""
    parts = results.machine["software"]
    blas, numba = parts.get("blas") or {}, parts.get("numba_threading") or {}
    return {
        "system": parts.get("os"),
        "Python": parts.get("python"),
        **parts.get("libraries", {}),
        "BLAS": " ".join(str(blas[key]) for key in ("name", "version") if blas.get(key)) or None,
        "BLAS built for": blas.get("built_for"),
        "BLAS threads": blas.get("threads"),
        "Numba's layer": numba.get("layer"),
        "GPU driver": parts.get("gpu_driver"),
        **parts.get("environment", {}),
    }


def settings(results: Results) -> dict[str, Any]:
    """The settings of the run, and the environment variables that its workers had."""
    run = results.run
    variables: dict[str, Any] = {}
    for race in results.races:
        variables |= race.get("worker_environment") or {}
    threads = run.get("threads") or sorted({record.threads for record in results.records})
    return {
        "commit": run.get("commit"),
        "threads": ", ".join(map(str, threads)),
        "launches": run.get("launches"),
        "seconds per kernel": run.get("seconds_per_kernel"),
        "time in a launch": run.get("statistic", "median"),
        # a worker's numbers of threads follow from the run's
        **{name: value for name, value in variables.items() if not name.endswith("_THREADS")},
    }


def _cache(cache: dict[str, Any]) -> str:
    size, shared = cache["bytes"] / 1024, cache.get("shared_by")
    size_text = f"{size / 1024:g} MiB" if size >= 1024 else f"{size:g} KiB"
    return size_text if shared in (None, 1) else f"{size_text} for {shared} cores"
