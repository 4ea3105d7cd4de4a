"""Workloads: named descriptions of data and of what is computed with them. Data are seeded, so that a name means the
same data on every machine.

lecture, breast-cancer, flights      the lecture's example and real data
MxN                                  m examples of n features, synthetic: labels are drawn from the model
OPERATION:...                        any of them for another operation than the gradient, such as descend:lecture
...-f32 or ...-f64, then -C or -F    any of them in that dtype and order (default: -f64 and -C)
...@OPTION=NUMBER                    with a number that the operation has, such as descend:lecture@steps=10
network:...-LxW-relu or -sigmoid     L layers of W such units
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.host.resources import available_bytes
from bench.workloads import datasets
from bench.workloads.options import for_operation, without_ending
from bench.workloads.parameters import fresh_arguments
from bench.workloads.synthetic import synthetic
from kernels import Inputs, Operation, load_operation, registry
from kernels.contract import Fresh, Size, Static, Work

DEFAULT = ("lecture", "breast-cancer", "10000x32-f64", "1000000x32-f64", "1000000x32-f32", "flights")

_DTYPES: dict[str, np.dtype[Any]] = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}

_LONGEST_CALL_SECONDS = 1.0
_COPIES, _VECTORS, _HELD = 7, 30, 4
_NAME = re.compile(r"(?P<base>.+?)(-(?P<dtype>f32|f64))?(-(?P<order>[CF]))?")


@dataclass(frozen=True, eq=False)
class Workload:
    """What is computed with which data, without the data; `data` and `inputs` make them."""

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
    operation: str = registry.DEFAULT_OPERATION
    """What is computed, as for `kernels.load_operation`."""
    options: tuple[tuple[str, float | None], ...] = ()
    """The numbers that the operation has."""

    @cached_property
    def definition(self) -> Operation:
        """The operation itself."""
        return load_operation(self.operation)

    @property
    def size(self) -> Size:
        """Examples, features, and bytes of a number."""
        return Size(self.m, self.n, self.dtype.itemsize)

    @cached_property
    def static(self) -> Static:
        """What a kernel may compile for."""
        return self.definition.static(dict(self.options))

    @property
    def work(self) -> Work | None:
        """What no kernel can avoid in one call; None where the operation has no ceiling."""
        return self.definition.work(self.size, self.static)

    def nominal_seconds(self, kernel: str) -> float:
        """The nominal seconds of one call of a kernel that loops in Python; 0 for the other kernels."""
        return self.definition.nominal_seconds(kernel, self.size, self.static)

    @property
    def preparation_seconds(self) -> float:
        """The approximate seconds for making the data, the probes and the references."""
        return self.definition.preparation_seconds(self.size, self.static)

    @property
    def skip_reasons(self) -> dict[str, str]:
        """The kernels that are measured on this workload only if requested by name, each with the reason."""
        costs = {name: self.nominal_seconds(name) for name in registry.names(self.definition.name)}
        return {
            name: f"a call takes nominally {cost:.1f} s, over the limit of {_LONGEST_CALL_SECONDS:g} s"
            for name, cost in costs.items()
            if cost > _LONGEST_CALL_SECONDS
        }

    @property
    def baselines(self) -> tuple[str, ...]:
        """Specs of the kernels to compare with: the baseline first, and the one that runs on every workload last."""
        possible = [spec for spec in self.definition.baselines if spec not in self.skip_reasons]
        return tuple(dict.fromkeys((*possible[:1], *possible[-1:])))

    @property
    def baseline(self) -> str:
        """The kernel whose speedup is 1.0×: the first of the operation's baselines that is not skipped; or empty."""
        return registry.identify(self.baselines[0]) if self.baselines else ""

    @property
    def bytes_of_x(self) -> int:
        """The size of X."""
        return self.m * self.n * self.dtype.itemsize


@lru_cache(maxsize=1)
def data(workload: Workload) -> datasets.Examples:
    """X and y in the workload's dtype and order. The last are cached. Raises DatasetUnavailable and ValueError."""
    X, y = workload.examples()
    if X.shape != (workload.m, workload.n):
        raise ValueError(f"{workload.name} has shape {X.shape}; expected {(workload.m, workload.n)}")
    return X.astype(workload.dtype, order=workload.order, copy=False), y.astype(workload.dtype, copy=False)


def inputs(workload: Workload) -> Inputs:
    """What is placed of the workload's data.

    Raises DatasetUnavailable, and ValueError for data outside the operation's domain.
    """
    return workload.definition.inputs(*data(workload), dict(workload.options))


def fresh(workload: Workload, inputs: Inputs, draw: int) -> Fresh:
    """The arguments of one call: draw number `draw`."""
    (arguments,) = fresh_arguments(workload.definition, inputs, workload.name, draw)
    return arguments


def clear_cache() -> None:
    """Release the cached data."""
    data.cache_clear()


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
    prefix, colon, rest = name.rpartition(":")
    operation = prefix if colon else registry.DEFAULT_OPERATION
    rest, *given = rest.split("@")
    if operation not in registry.OPERATIONS:
        raise ValueError(f"no operation is called {operation!r:.60}; expected {', '.join(registry.OPERATIONS)}")
    rest, of_ending = without_ending(rest, load_operation(operation))
    parts = _NAME.fullmatch(rest)
    base = parts["base"] if parts else rest
    size = re.fullmatch(r"([0-9]{1,12})x([0-9]{1,12})", base)
    if parts is None or not (size or base in _NAMED):
        near = difflib.get_close_matches(rest[:60], DEFAULT, n=3, cutoff=0.5) or DEFAULT
        raise ValueError(
            f"no workload is called {name!r:.60}; the nearest: {', '.join(near)}; any size: MxN[-f32|-f64][-C|-F]"
        )
    if size:
        m, n = int(size[1]), int(size[2])
        if 0 in (m, n):
            raise ValueError(f"{name!r:.60} has no {'examples' if m == 0 else 'features'}; expected at least one")
        base = f"{m}x{n}"  # without leading zeros: one name for the same data
        workload = Workload(base, "synthetic", m, n, partial(synthetic, m, n))
    else:
        workload = _NAMED[base]
    dtype = parts["dtype"] or "f64"
    order: Literal["C", "F"] = "F" if parts["order"] == "F" else "C"
    suffix = (f"-{dtype}" if size or dtype != "f64" else "") + ("-F" if order == "F" else "")
    workload = replace(workload, name=base + suffix, dtype=_DTYPES[dtype], order=order)
    options = dict(text.split("=", 1) for text in given if "=" in text)
    if len(options) < len(given):
        raise ValueError(f"{name!r:.60}: expected @OPTION=NUMBER, each option once")
    return for_operation(workload, operation, of_ending | options)


def from_file(path: Path, target: str | None) -> Workload:
    """A user's own data, read and validated now. The workload has the name of the file, without its folder.

    Raises ValueError, in one line, and DatasetUnavailable where a library that reads it is missing.
    """
    X, y = datasets.read(path, target)
    try:
        X, y = load_operation(registry.DEFAULT_OPERATION).inputs(X, y, {}).placed.values()
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", path.stem).strip("-") or "data"
    try:
        named(name)
    except ValueError:
        pass  # the name is free
    else:
        name += "-data"
    order: Literal["C", "F"] = "C" if X.flags.c_contiguous else "F"
    return Workload(name, f"from {path.name}", X.shape[0], X.shape[1], lambda: (X, y), dtype=X.dtype, order=order)


def require_convergence(workload: Workload) -> None:
    """Make the data now where the user chose a number that may not fit them; else they are made when they are needed.

    Raises ValueError, in one line, where it does not.
    """
    chosen = dict(workload.options)
    if any(chosen[name] != option.default for name, option in workload.definition.options.items() if option.depends):
        inputs(workload)


def require_memory(workload: Workload, kernels: int) -> None:
    """Raise ValueError where the data cannot fit into the available memory.

    Matrices of X's size: the data and the probes' X, both twice while they are made; then a copy in the worker of
    each kernel, the control and the two ceilings that read X, and the probes' X in a backend with its own memory.
    Vectors of y's size, which matter where features are few: the y of each worker, one for each probe, and the
    intermediate results of a call in the workers that are checked at the same time. What a call of the operation
    keeps, in the workers that are checked at the same time, in one that is timed, and twice in the reference.
    """
    needed = (_COPIES + kernels) * workload.bytes_of_x + (_VECTORS + kernels) * workload.m * workload.dtype.itemsize
    needed += _HELD * workload.definition.held_bytes(workload.size, workload.static)
    if needed > (free := available_bytes()):
        raise ValueError(f"{workload.name} needs about {needed / 2**30:,.0f} GiB; {free / 2**30:,.0f} GiB is free")
