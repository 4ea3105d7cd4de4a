"""What differs between the machines and the settings of several runs, in words. Pure: it works on results.

Hardware first, then software, then how the run was made; what all runs share is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.results.record import Results


@dataclass(frozen=True)
class Difference:
    """One property that is not the same in all runs."""

    group: str
    """hardware, software or run."""
    name: str
    values: tuple[str, ...]
    """A value for each run; `-` where it is not known."""


def differences(runs: Sequence[Results]) -> list[Difference]:
    """All that differs, in the order of the groups."""
    found = []
    for group, properties in _GROUPS.items():
        each = [properties(results) for results in runs]
        for name in dict.fromkeys(name for one in each for name in one):
            values = tuple(_told(one.get(name)) for one in each)
            if len(set(values)) > 1:
                found.append(Difference(group, name, values))
    return found


def hardware(results: Results) -> dict[str, Any]:
    """What is fixed, and what the system was set to, by plain names."""
    parts, settings = results.machine["hardware"], results.machine.get("settings", {})
    caches = {f"L{cache['level']} cache": _cache(cache) for cache in parts.get("caches") or ()}
    memory = parts.get("memory_gib")
    return {
        "CPU": parts.get("cpu"),
        "architecture": parts.get("architecture"),
        "cores": parts.get("cores"),
        **caches,
        "memory": memory if memory is None else f"{memory} GiB",
        "GPU": ", ".join(f"{gpu['name']} ({gpu['memory']})" for gpu in parts.get("gpus") or ()) or "none",
        **{name.replace("_", " "): value for name, value in settings.items()},
    }


def software(results: Results) -> dict[str, Any]:
    """The system, the libraries, and the variables that change what they do."""
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
    """How the run was made."""
    run = results.run
    flags: dict[str, Any] = {}
    for race in results.races:
        flags |= race.get("worker_environment") or {}
    threads = run.get("threads") or sorted({record.threads for record in results.records})
    return {
        "commit": run.get("commit"),
        "threads": ", ".join(map(str, threads)),
        "launches": run.get("launches"),
        "seconds per kernel": run.get("seconds_per_kernel"),
        # a worker's threads follow from the run's
        **{name: value for name, value in flags.items() if not name.endswith("_THREADS")},
    }


_GROUPS: dict[str, Callable[[Results], dict[str, Any]]] = {
    "hardware": hardware,
    "software": software,
    "run": settings,
}


def _cache(cache: dict[str, Any]) -> str:
    size, shared = cache["bytes"] / 1024, cache.get("shared_by")
    told = f"{size / 1024:g} MiB" if size >= 1024 else f"{size:g} KiB"
    return told if shared in (None, 1) else f"{told} for {shared} cores"


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
