"""What `--profile` names: workloads, kernels, threads and time that belong together.

quick     is it all in order here? Under a minute, compiling included.
default   what `pytest --benchmark` does without a profile: the workloads of README's table.
full      how time depends on m, n, dtype, order, and where X lies: a grid. X has the same sizes in bytes on every
          machine, so that machines compare: 16 KB fits a first cache, 512 KB a second, 8 MB most third ones, and
          256 MB none.
peers     what other libraries need for the same, on a part of that grid.

The grid's races are many, so each has the fewest launches, five, and in each launch 0.1 s for each kernel, where the
default has 0.2: a dozen rounds. Launches differ more than rounds do, so little is lost; at 256 MB, where five rounds
take longer anyway, nothing.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass

from bench.runner.settings import FEWEST_LAUNCHES, SECONDS
from bench.workloads import catalog
from kernels import registry

_KB, _MB = 2**10, 2**20
_SIZES = (16 * _KB, 512 * _KB, 8 * _MB, 256 * _MB)
_FEATURES = (2, 8, 32, 128, 1024)
_ITEMSIZES = {"f32": 4, "f64": 8}
_FIELD = ("numpy", "numpy-blocked", "numba-loops", "numba", "jax", "jax-blocked", "sklearn")
"""Every kernel of which one more would show nothing new: the for-loops are there as baselines."""
_GRID_SECONDS = 0.1 * FEWEST_LAUNCHES


@dataclass(frozen=True)
class Profile:
    """What is measured, where the command line says nothing else."""

    workloads: tuple[str, ...]
    kernels: tuple[str, ...] = ()
    """Empty: all but those on request."""
    single: frozenset[str] = frozenset()
    """The workloads that race on one thread too; all race on all threads."""
    seconds: float = SECONDS
    """For each kernel and workload."""
    launches: int | None = None
    library: str = ""
    """One that it makes no sense without, and that an extra brings."""


def _grid(
    sizes: Iterable[int], features: Iterable[int], dtypes: Iterable[str] = ("f32", "f64"), orders: str = "CF"
) -> tuple[str, ...]:
    """The workloads' names: m is what makes X so many bytes."""
    features, dtypes = tuple(features), tuple(dtypes)
    return tuple(
        f"{size // (n * _ITEMSIZES[dtype])}x{n}-{dtype}{'-F' if order == 'F' else ''}"
        for size in sizes
        for n in features
        for dtype in dtypes
        for order in orders
    )


PROFILES = {
    # of one dtype: for another, Numba's kernels take a quarter of a minute to compile
    "quick": Profile(
        ("lecture", "10000x32-f64", "500000x32-f64"), ("loops", "numpy", "numba", "jax"), seconds=0.3, launches=3
    ),
    "default": Profile(catalog.DEFAULT),
    "full": Profile(
        _grid(_SIZES, _FEATURES),
        _FIELD,
        single=frozenset(_grid(_SIZES, (32,))),
        seconds=_GRID_SECONDS,
        launches=FEWEST_LAUNCHES,
    ),
    "peers": Profile(
        _grid((512 * _KB, 256 * _MB), (2, 32, 1024), orders="C"),
        (*(kernel for kernel in _FIELD if kernel != "numba-loops"), "torch", "torch-compile"),
        seconds=_GRID_SECONDS,
        launches=FEWEST_LAUNCHES,
        library="torch",
    ),
}


def named(name: str) -> Profile:
    """The profile of that name. Raises ValueError, with the nearest names, if there is none."""
    if name not in PROFILES:
        near = ", ".join(difflib.get_close_matches(name, PROFILES, n=2) or PROFILES)
        raise ValueError(f"no profile is called {name!r}; the nearest: {near}")
    return PROFILES[name]


def require(profile: Profile) -> None:
    """Raise ValueError, with the command that installs it, where its library is missing."""
    if profile.library and importlib.util.find_spec(profile.library) is None:
        raise ValueError(registry.missing(profile.library))
