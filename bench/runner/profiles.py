"""The profiles of `--profile`: sets of workloads, kernels, threads and measuring time.

quick     a test that everything works on this machine, in less than a minute including compilation.
default   the profile of `pytest --benchmark`: the workloads of README's table.
full      a grid that shows how time depends on m, n, dtype, order and the memory level of X. X has the same sizes in
          bytes on every machine, so that machines can be compared: 16 KB fits into a typical L1 cache, 512 KB into
          L2, 8 MB into most L3 caches, and 256 MB into none.
learn     from the gradient to the steps along it and to the coefficients: descents, and fits beside scikit-learn.
peers     the same computation in other libraries, on a part of that grid.
network   layers of units, narrow and wide, beside PyTorch.

The grid has many races. So each race has only five launches, and each launch times a kernel for 0.1 s instead of
0.2: about twelve rounds. Little precision is lost, because launches differ more than rounds do; at 256 MB none is
lost, because the minimum of five rounds takes longer anyway.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass

from bench.runner.settings import FEWEST_LAUNCHES, SECONDS
from bench.workloads import catalog
from kernels.failures import missing

_KB, _MB = 2**10, 2**20
_SIZES = (16 * _KB, 512 * _KB, 8 * _MB, 256 * _MB)
_FEATURES = (2, 8, 32, 128, 1024)
_ITEMSIZES = {"f32": 4, "f64": 8}
_GRID_KERNELS = ("numpy", "numpy-blocked", "numba-loops", "numba", "jax", "jax-blocked", "sklearn")
"""The kernels of the grid. The `loops` kernels run only as baselines."""
_LEARN = (
    *("lecture", "descend:lecture", "descend:lecture@learning_rate=0.04", "descend:lecture@learning_rate=7"),
    *("descend:breast-cancer", "descend:10000x32-f64"),
    *("fit:lecture", "fit:breast-cancer", "fit:flights", "fit:100000x128-f64", "fit:1000000x32-f64"),
)
_LEARN_KERNELS = (
    *("loops", "numpy", "numba", "jax", "numba-compiled", "jax-compiled"),
    *("numba-descent", "numpy-newton", "jax-newton", "numba-newton"),
    *("sklearn-lbfgs", "sklearn-newton-cg", "sklearn-newton-cholesky"),
)
"""Each runs on the workloads of its operations."""
_NETWORK = (
    *("network:lecture-1x4-relu", "network:flights-2x64-relu"),
    *("network:50000x32-f32-2x8-relu", "network:50000x32-f32-2x64-relu", "network:50000x32-f32-2x64-sigmoid"),
    *("network:50000x32-f64-2x64-relu", "network:10000x64-f32-2x512-relu"),
)
_NETWORK_KERNELS = ("loops", "numpy", "numba", "jax", "jax-autodiff", "torch", "torch-compile")
_GRID_SECONDS = 0.1 * FEWEST_LAUNCHES


@dataclass(frozen=True)
class Profile:
    """Defaults for options that the command line does not set."""

    workloads: tuple[str, ...]
    kernels: tuple[str, ...] = ()
    """Empty: all that are not on request only."""
    single_threaded: frozenset[str] = frozenset()
    """The workloads that also race on one thread; all workloads race on all cores."""
    seconds: float = SECONDS
    """For each kernel and workload."""
    launches: int | None = None
    library: str = ""
    """A library that the profile needs; one of the package's extras installs it."""


def _grid(
    sizes: Iterable[int], features: Iterable[int], dtypes: Iterable[str] = ("f32", "f64"), orders: str = "CF"
) -> tuple[str, ...]:
    """The names of the workloads; m is chosen so that X has so many bytes."""
    features, dtypes = tuple(features), tuple(dtypes)
    return tuple(
        f"{size // (n * _ITEMSIZES[dtype])}x{n}-{dtype}{'-F' if order == 'F' else ''}"
        for size in sizes
        for n in features
        for dtype in dtypes
        for order in orders
    )


PROFILES = {
    # one dtype only: for another, Numba takes 3 s more to compile `numba`
    "quick": Profile(
        ("lecture", "10000x32-f64", "500000x32-f64"), ("loops", "numpy", "numba", "jax"), seconds=0.3, launches=3
    ),
    "default": Profile(catalog.DEFAULT),
    "full": Profile(
        _grid(_SIZES, _FEATURES),
        _GRID_KERNELS,
        single_threaded=frozenset(_grid(_SIZES, (32,))),
        seconds=_GRID_SECONDS,
        launches=FEWEST_LAUNCHES,
    ),
    "learn": Profile(_LEARN, _LEARN_KERNELS, launches=FEWEST_LAUNCHES),
    "peers": Profile(
        _grid((512 * _KB, 256 * _MB), (2, 32, 1024), orders="C"),
        (
            *(kernel for kernel in _GRID_KERNELS if kernel != "numba-loops"),
            "numexpr",
            "torch",
            "torch-compile",
            "onedal",
        ),
        seconds=_GRID_SECONDS,
        launches=FEWEST_LAUNCHES,
        library="torch",
    ),
    "network": Profile(_NETWORK, _NETWORK_KERNELS, library="torch"),
}


def named(name: str) -> Profile:
    """The profile of that name. Raises ValueError, with similar names, if there is none."""
    if name not in PROFILES:
        similar = ", ".join(difflib.get_close_matches(name, PROFILES, n=2) or PROFILES)
        raise ValueError(f"no profile is called {name!r}; the nearest: {similar}")
    return PROFILES[name]


def require(profile: Profile) -> None:
    """Raise ValueError, with the command that installs it, if the profile's library is missing."""
    if profile.library and importlib.util.find_spec(profile.library) is None:
        raise ValueError(missing(profile.library))
