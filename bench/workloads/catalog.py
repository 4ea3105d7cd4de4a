"""Workloads: named descriptions of problems. Data are seeded, so that a name means the same data on every machine.

lecture, breast-cancer, flights      the lecture's example and real data
MxN                                  m examples of n features, synthetic: labels are drawn from the model
...-f32 or ...-f64, then -C or -F    any of them in that dtype and order (default: -f64 and -C)
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

# Nominal seconds of one call for each example and for each element, for kernels that loop in Python. About twice what
# CPython 3.11 takes on a server core of 2024, so that slower machines stay under the limit as well. The values are
# fixed, because machines are comparable only if a workload's baseline is the same on all of them.
_NOMINAL_SECONDS = {"loops": (4e-7, 1.2e-7), "loops-examples": (3.5e-6, 1e-9)}
_LONGEST_CALL_SECONDS = 1.0
_PREPARATION_SECONDS = {4: (2.4e-7, 4.6e-8), 8: (1.9e-6, 1.1e-7)}
"""Itemsize → seconds for each example and for each element."""
_COPIES, _VECTORS = 7, 30
_BASELINES = ("loops", "loops-examples", "numpy")


@dataclass(frozen=True, eq=False)
class Workload:
    """A description of a problem, without its data; `problem` makes the data."""

    name: str
    summary: str
    m: int
    n: int
    examples: Callable[[], datasets.Examples]
    """Makes X and y. Raises DatasetUnavailable where a library is missing."""
    require: Callable[[], object] = lambda: None
    """Raises DatasetUnavailable if `examples` would, without making the data."""
    dtype: np.dtype[Any] = _DTYPES["f64"]
    order: Literal["C", "F"] = "C"

    @property
    def skip_reasons(self) -> dict[str, str]:
        """The kernels that are measured on this workload only if requested by name, each with the reason."""
        costs = {name: nominal_seconds(name, self) for name in _NOMINAL_SECONDS}
        return {
            name: f"a call takes nominally {cost:.1f} s, over the limit of {_LONGEST_CALL_SECONDS:g} s"
            for name, cost in costs.items()
            if cost > _LONGEST_CALL_SECONDS
        }

    @property
    def baseline(self) -> str:
        """The kernel whose speedup is 1.0×: the slowest of the candidates that is not skipped."""
        return next(name for name in _BASELINES if name not in self.skip_reasons)

    @property
    def bytes_of_x(self) -> int:
        """The size of X."""
        return self.m * self.n * self.dtype.itemsize

    @property
    def bytes_per_call(self) -> int:
        """The least memory traffic of a call: X, y and w read once, dw written once."""
        return (self.m * self.n + self.m + 2 * self.n) * self.dtype.itemsize


def nominal_seconds(kernel: str, workload: Workload) -> float:
    """The nominal seconds of one call of a kernel that loops in Python; 0 for the other kernels."""
    per_example, per_element = _NOMINAL_SECONDS.get(kernel, (0.0, 0.0))
    return workload.m * (per_example + workload.n * per_element)


def preparation_seconds(workload: Workload) -> float:
    """The approximate seconds for making the data, the probes and the references.

    Measured with 2 to 1024 features on two cores of 2024; double-double arithmetic takes most of the time.
    """
    per_example, per_element = _PREPARATION_SECONDS[workload.dtype.itemsize]
    return 0.05 + workload.m * (per_example + workload.n * per_element)


@lru_cache(maxsize=2)
def problem(workload: Workload, draw: int) -> Problem:
    """The workload's data with parameters number `draw`. The last two problems are cached.

    Raises DatasetUnavailable, and ValueError for data outside the domain of `Problem`.
    """
    (w,), (b,) = parameters(workload.name, workload.n, workload.dtype, draw)
    return Problem(*_data(workload), w, b)


def clear_cache() -> None:
    """Release the cached problems and data."""
    problem.cache_clear()
    _data.cache_clear()


@lru_cache(maxsize=1)
def _data(workload: Workload) -> datasets.Examples:
    X, y = workload.examples()
    if X.shape != (workload.m, workload.n):
        raise ValueError(f"{workload.name} has shape {X.shape}; expected {(workload.m, workload.n)}")
    return X.astype(workload.dtype, order=workload.order, copy=False), y.astype(workload.dtype, copy=False)


def synthetic(m: int, n: int) -> datasets.Examples:
    """Standard normal features without subnormals; labels drawn from the model, with weights of order 2/√n."""
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
    """The workloads that have a name other than their size."""
    return tuple(_NAMED)


def named(name: str) -> Workload:
    """The workload of that name. Raises ValueError, which suggests similar names, if there is none."""
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
        workload = Workload(base, "synthetic", m, n, partial(synthetic, m, n))
    else:
        workload = _NAMED[base]
    dtype = parts["dtype"] or "f64"
    order: Literal["C", "F"] = "F" if parts["order"] == "F" else "C"
    suffix = (f"-{dtype}" if size or dtype != "f64" else "") + ("-F" if order == "F" else "")
    return replace(workload, name=base + suffix, dtype=_DTYPES[dtype], order=order)


def from_file(path: Path, target: str | None) -> Workload:
    """A user's own data, read and validated now. The workload has the name of the file, without its folder.

    Raises ValueError, in one line, and DatasetUnavailable where a library that reads it is missing.
    """
    X, y = datasets.read(path, target)
    try:
        # validated with weights of eight standard deviations, larger than any that are drawn
        w = np.full(X.shape[-1:], _EIGHT_SIGMA / np.sqrt(max(1, *X.shape[-1:])) if X.ndim else 0)
        data = Problem(X, y, w.astype(X.dtype), _EIGHT_SIGMA / 2)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", path.stem).strip("-") or "data"
    try:
        named(name)
    except ValueError:
        pass  # the name is free
    else:
        name += "-data"
    summary = f"from {path.name}"
    return Workload(name, summary, data.m, data.n, lambda: (data.X, data.y), dtype=data.dtype, order=data.order)


def require_memory(workload: Workload, kernels: int) -> None:
    """Raise ValueError where the data cannot fit into the available memory.

    Matrices of X's size: the data and the probes' X, both twice while they are made; then a copy in the worker of
    each kernel, the control and the two ceilings that read X, and the probes' X in a backend with its own memory.
    Vectors of y's size, which matter where features are few: the y of each worker, one for each probe, and the
    intermediate results of a call in the workers that are checked at the same time.
    """
    needed = (_COPIES + kernels) * workload.bytes_of_x + (_VECTORS + kernels) * workload.m * workload.dtype.itemsize
    if needed > (free := available_bytes()):
        raise ValueError(f"{workload.name} needs about {needed / 2**30:,.0f} GiB; {free / 2**30:,.0f} GiB is free")
