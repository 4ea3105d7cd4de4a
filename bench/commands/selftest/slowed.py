"""Kernels that are slower by a known share, through real work: the self-test must find the difference.

After each call the kernel is called again on the first few rows. If a call on a single row already takes too long, an
empty loop runs instead. How many rows or iterations take 5% is measured once, from alternating calls with them and
without, while nothing else runs, for each number of threads. All workers get the numbers in their environment:

    python -m bench.commands.selftest.slowed KERNEL WORKLOAD      prints what `Work` has, as JSON

Rows wait for memory and for a neighbour as the kernel itself does, so 5% stay 5% when the machine is busy.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import repeat, zip_longest
from math import ceil, expm1, log
from statistics import median
from time import perf_counter
from typing import Any

from kernels import Kernel, load, load_operation
from kernels.contract import Call

SHARE = 0.05
VARIABLE = "LOGITBENCH_SLOWED"
"""JSON: a list of [kernel, shape of X, rows, iterations], all for the worker's number of threads."""
_BATCH_SECONDS, _MEASURE_SECONDS, _FEWEST_PAIRS = 0.002, 2.5, 25
_CORRECTIONS, _CLOSE = 4, 0.1
"""Corrections end when a measured share differs from the wanted one by at most this part of it. Most kernels need one
or two. More are needed where the time of a few rows is no line, as where a kernel uses its threads only for many."""


@dataclass(frozen=True)
class Work:
    """What makes a call of a kernel longer, and by what share it did when that was measured last."""

    kernel: str
    shape: tuple[int, ...]
    """Of X."""
    rows: int
    iterations: int
    longer_by: float
    """Measured anew after the numbers were chosen."""


def slowed(kernel: Kernel, share: float = SHARE) -> Kernel:
    """The kernel, with each call longer by that share."""
    known = json.loads(os.environ.get(VARIABLE, "[]"))
    work = {
        tuple(shape): with_extra_work(kernel, rows, iterations)
        for name, shape, rows, iterations in known
        if name == kernel.name
    }

    def call(*arguments: Any) -> Any:
        shape = arguments[0].shape
        if shape not in work:
            work[shape] = with_extra_work(kernel, *calibrate(kernel, share, arguments))
        return work[shape](*arguments)

    return replace(kernel, name=f"{kernel.name}-slowed", call=call)


@contextmanager
def in_workers(works: Sequence[Work]) -> Iterator[None]:
    """Let the workers that start meanwhile slow their kernels by this work, instead of measuring it themselves."""
    os.environ[VARIABLE] = json.dumps([[one.kernel, one.shape, one.rows, one.iterations] for one in works])
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def with_extra_work(kernel: Kernel, rows: int, iterations: int) -> Call:
    """The kernel's call, followed by one on so many rows and so many iterations of an empty loop."""
    plain = kernel.built(None)

    def call(*arguments: Any) -> Any:
        result = plain(*arguments)
        if rows:
            plain(*_first_rows(kernel, arguments, rows))
        for _ in repeat(None, iterations):
            pass
        return result

    return call


def _first_rows(kernel: Kernel, arguments: tuple[Any, ...], rows: int) -> Iterator[Any]:
    """The arguments with so many rows of each field that may be split along its first axis."""
    axes = load_operation(kernel.operation).fields.values()
    for argument, axis in zip_longest(arguments, axes):
        yield argument[:rows] if axis == 0 else argument


def calibrate(kernel: Kernel, share: float, arguments: tuple[Any, ...]) -> tuple[int, int]:
    """The numbers of rows and of iterations that make a call longer by that share; one of them is 0."""

    def longer_by(rows: int, iterations: int) -> float:
        return _relative_increase(with_extra_work(kernel, rows, iterations), kernel.built(None), arguments)

    if longer_by(1, 0) < share / 2:
        return _solve(lambda rows: longer_by(rows, 0), share, ceil(share * arguments[0].shape[0])), 0
    return 0, _solve(lambda iterations: longer_by(0, iterations), share, 100)


def _solve(longer_by: Callable[[int], float], share: float, amount: int) -> int:
    """The amount of work that makes a call longer by the share, from nearly proportional measurements."""
    for _ in range(_CORRECTIONS):
        measured = longer_by(amount)
        if abs(measured - share) <= _CLOSE * share:
            break
        amount = max(1, round(amount * share / max(measured, share / 20)))
    return amount


def _relative_increase(slow: Call, plain: Call, arguments: tuple[Any, ...]) -> float:
    """By what share a call of `slow` takes longer: the median over pairs of alternating batches of calls."""
    start = perf_counter()
    plain(*arguments)
    calls = ceil(_BATCH_SECONDS / (perf_counter() - start))

    def seconds(call: Call) -> float:
        call(*arguments)  # the other function's batch has changed the caches
        start = perf_counter()
        for _ in range(calls):
            call(*arguments)
        return perf_counter() - start

    pairs: list[float] = []
    while len(pairs) < _FEWEST_PAIRS or perf_counter() - start < _MEASURE_SECONDS:
        pairs.append(log(seconds(slow) / seconds(plain)))
    return expm1(median(pairs))


def __getattr__(name: str) -> Kernel:
    """`bench.commands.selftest.slowed:numba_loops` is the kernel numba-loops, slowed down."""
    try:
        return slowed(load(name.replace("_", "-")))
    except ValueError:
        raise AttributeError(name) from None


def _main(name: str, size: str) -> None:
    from bench.workloads import catalog

    workload, kernel = catalog.named(size), load(name)
    inputs = catalog.inputs(workload)
    arguments = (*inputs.placed.values(), *catalog.fresh(workload, inputs, 0))
    kernel.built(None)(*arguments)
    rows, iterations = calibrate(kernel, SHARE, arguments)
    increase = _relative_increase(with_extra_work(kernel, rows, iterations), kernel.built(None), arguments)
    sys.stdout.write(json.dumps(asdict(Work(name, arguments[0].shape, rows, iterations, increase))) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
