"""Workloads: named, seeded descriptions of a problem, so that a name means the same data on every machine.

lecture, breast-cancer, flights      the lecture's example and real data
MxN                                  m examples of n features, labels drawn from the model itself
...-f32 or ...-f64, then -C or -F    any of them in that dtype and order (without: -f64 and -C)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.host.resources import available_bytes
from bench.workloads import datasets
from bench.workloads.parameters import SEED, parameters
from kernels import Problem

DEFAULT = ("lecture", "breast-cancer", "10000x32-f64", "1000000x32-f64", "1000000x32-f32", "flights")

_CHUNK_ROWS = 2**14
_EIGHT_SIGMA = 8.0
_DTYPES: dict[str, np.dtype[Any]] = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}

# What one call costs where Python itself loops: nominal seconds for each example and for each element.
# About twice what CPython 3.11 takes on a server core of 2024, so that slower machines stay under the limit
# too; and fixed, because machines can be compared only if a workload's baseline is the same on all of them.
_NOMINAL_SECONDS = {"loops": (4e-7, 1.2e-7), "loops-examples": (3.5e-6, 1e-9)}
_LONGEST_CALL_SECONDS = 1.0
_PREPARATION_SECONDS = {4: (2.4e-7, 4.6e-8), 8: (1.9e-6, 1.1e-7)}
"""Itemsize → seconds for each example and for each element."""
_COPIES, _VECTORS = 7, 30
_BASELINES = ("loops", "loops-examples", "numpy")


@dataclass(frozen=True, eq=False)
class Workload:
    """A problem's description: cheap to hold and to list. `problem` makes the data."""

    name: str
    summary: str
    m: int
    n: int
    examples: Callable[[], datasets.Examples]
    """Makes X and y; raises DatasetUnavailable where a library for it is missing."""
    require: Callable[[], object] = lambda: None
    """Raises DatasetUnavailable as `examples` would, at once."""
    dtype: np.dtype[Any] = _DTYPES["f64"]
    order: Literal["C", "F"] = "C"

    @property
    def left_out(self) -> dict[str, str]:
        """The kernels that are not measured here unless they are asked for by name, and why."""
        costs = {name: nominal_seconds(name, self) for name in _NOMINAL_SECONDS}
        return {
            name: f"a call takes nominally {cost:.1f} s, over the limit of {_LONGEST_CALL_SECONDS:g} s"
            for name, cost in costs.items()
            if cost > _LONGEST_CALL_SECONDS
        }

    @property
    def baseline(self) -> str:
        """The kernel that is 1.0× here: the slowest rung that is not left out."""
        return next(name for name in _BASELINES if name not in self.left_out)

    @property
    def bytes_of_x(self) -> int:
        """The size of the feature matrix."""
        return self.m * self.n * self.dtype.itemsize

    @property
    def bytes_per_call(self) -> int:
        """What any kernel must move at least: X and y read once, w read and dw written."""
        return (self.m * self.n + self.m + 2 * self.n) * self.dtype.itemsize


def nominal_seconds(kernel: str, workload: Workload) -> float:
    """What one call of a kernel that loops in Python costs, nominally; 0 for the others."""
    row, element = _NOMINAL_SECONDS.get(kernel, (0.0, 0.0))
    return workload.m * (row + workload.n * element)


def preparation_seconds(workload: Workload) -> float:
    """About how long making the data, the probes and the references takes.

    As measured with 2 to 1024 features on two cores of 2024, where double-double arithmetic is most of it.
    """
    row, element = _PREPARATION_SECONDS[workload.dtype.itemsize]
    return 0.05 + workload.m * (row + workload.n * element)


@lru_cache(maxsize=2)
def problem(workload: Workload, draw: int) -> Problem:
    """The workload's data with parameters number `draw`. The last two are kept.

    Raises DatasetUnavailable, and ValueError where the data is no problem of the domain.
    """
    (w,), (b,) = parameters(workload.name, workload.n, workload.dtype, draw)
    return Problem(*_data(workload), w, b)


def forget() -> None:
    """Let go of what is kept."""
    problem.cache_clear()
    _data.cache_clear()


@lru_cache(maxsize=1)
def _data(workload: Workload) -> datasets.Examples:
    X, y = workload.examples()
    if X.shape != (workload.m, workload.n):
        raise ValueError(f"{workload.name} has shape {X.shape}; expected {(workload.m, workload.n)}")
    return X.astype(workload.dtype, order=workload.order, copy=False), y.astype(workload.dtype, copy=False)


def synthetic(m: int, n: int) -> datasets.Examples:
    """Standard normal features; labels drawn from the model with weights of order 2/√n, and no subnormals."""
    rng = np.random.default_rng([SEED, m, n])
    w, b = 2 * rng.standard_normal(n) / np.sqrt(n), rng.standard_normal() / 2
    X, y = np.empty((m, n)), np.empty(m)
    for start in range(0, m, _CHUNK_ROWS):
        rows = X[start : start + _CHUNK_ROWS]
        rng.standard_normal(out=rows)
        y[start : start + len(rows)] = rng.random(len(rows)) < 1 / (1 + np.exp(-(rows @ w + b)))
    return X, y


_NAMED = {
    workload.name: workload
    for workload in (
        Workload("lecture", "small enough for for-loops", 1000, 2, partial(synthetic, 1000, 2)),
        Workload("breast-cancer", "benign or malignant, from 30 measurements", 569, 30, datasets.breast_cancer),
        Workload("flights", "late from New York, 2013", 327_346, 42, datasets.flights, datasets.flights_source),
    )
}


def names() -> tuple[str, ...]:
    """The workloads that have a name of their own."""
    return tuple(_NAMED)


def named(name: str) -> Workload:
    """The workload of that name. Raises ValueError, with the nearest names, if there is none."""
    parts = re.fullmatch(r"(?P<base>.+?)(-(?P<dtype>f32|f64))?(-(?P<order>[CF]))?", name)
    base = parts["base"] if parts else name
    size = re.fullmatch(r"(\d{1,12})x(\d{1,12})", base)
    if parts is None or not (size or base in _NAMED):
        near = difflib.get_close_matches(name, DEFAULT, n=3, cutoff=0.5) or DEFAULT
        raise ValueError(
            f"no workload is called {name!r}; the nearest: {', '.join(near)}; any size: MxN[-f32|-f64][-C|-F]"
        )
    if size:
        m, n = int(size[1]), int(size[2])
        if 0 in (m, n):
            raise ValueError(f"{name!r} has no {'examples' if m == 0 else 'features'}; expected at least one")
        found = Workload(base, "synthetic", m, n, partial(synthetic, m, n))
    else:
        found = _NAMED[base]
    dtype = parts["dtype"] or "f64"
    order: Literal["C", "F"] = "F" if parts["order"] == "F" else "C"
    suffix = (f"-{dtype}" if size or dtype != "f64" else "") + ("-F" if order == "F" else "")
    return replace(found, name=base + suffix, dtype=_DTYPES[dtype], order=order)


def from_file(path: Path, target: str | None) -> Workload:
    """A user's own data, read and validated now. Named after the file, never after its folder.

    Raises ValueError in one line, and DatasetUnavailable where a library that reads it is missing.
    """
    X, y = datasets.read(path, target)
    try:
        # as large as no parameters drawn from the normal distribution are: eight standard deviations
        large = np.full(X.shape[-1:], _EIGHT_SIGMA / np.sqrt(max(1, *X.shape[-1:])) if X.ndim else 0)
        own = Problem(X, y, large.astype(X.dtype), _EIGHT_SIGMA / 2)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", path.stem).strip("-") or "data"
    try:
        named(name)
    except ValueError:
        pass  # as it should be: no workload of ours has this name
    else:
        name += "-data"
    summary = f"from {path.name}"
    return Workload(name, summary, own.m, own.n, lambda: (own.X, own.y), dtype=own.dtype, order=own.order)


def require_memory(workload: Workload, kernels: int) -> None:
    """Raise ValueError where the data cannot fit into what is free.

    Matrices of X's size: the data and the probes' X, twice while they are made; then a copy in the worker of each
    kernel, of the control and of the two ceilings that read it, and the probes' in a backend with its own memory.
    Vectors of y's size, which count where features are few: a worker's y, one for each probe, and those that hold a
    call's intermediate results in the workers that are checked at once.
    """
    needed = (_COPIES + kernels) * workload.bytes_of_x + (_VECTORS + kernels) * workload.m * workload.dtype.itemsize
    if needed > (free := available_bytes()):
        raise ValueError(f"{workload.name} needs about {needed / 2**30:,.0f} GiB; {free / 2**30:,.0f} GiB is free")
