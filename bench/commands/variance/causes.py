"""What is planted, one at a time, to see what it does to the spread."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from bench.host.checkout import CHECKOUT
from bench.runner.inputs import InputCache, WorkloadInputs
from bench.runner.selection import split
from bench.workloads.catalog import Workload

IDLE = "idle"
_PR_SET_THP_DISABLE, _PR_GET_THP_DISABLE = 41, 42
"""Of linux/prctl.h. What a process sets, its children have as well."""
_BOUND = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
_ENDING_SECONDS = 5.0


class FreshInputs(InputCache):
    """Makes a workload's inputs anew for every launch."""

    def inputs_of(self, workload: Workload) -> WorkloadInputs:
        """As InputCache's, but never kept ones."""
        self.close()
        return super().inputs_of(workload)


@dataclass(frozen=True)
class Cause:
    """One thing that differs from an idle run."""

    summary: str
    plant: Callable[[], AbstractContextManager[None]] = nullcontext
    """Its context is the time in which the cause acts."""
    inputs: Callable[[], InputCache] = InputCache
    warm: bool = True
    """Whether untimed calls come before each round. Without them, rounds are timed call by call, in no race."""


@contextmanager
def neighbour(kind: str) -> Iterator[None]:
    """A neighbour that works until the end of the context, and never longer than this process lives."""
    kept_open, closes = os.pipe()[::-1]
    command = [sys.executable, "-P", "-m", "bench.commands.variance.neighbour", kind, str(closes)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    starting = subprocess.Popen(
        command, env=environment, pass_fds=[closes], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    os.close(closes)
    try:
        assert starting.stdout is not None
        if not starting.stdout.readline().strip().isdigit() or starting.wait():
            raise ValueError(f"the neighbour {kind!r} did not start")
        yield
    finally:
        os.close(kept_open)
        starting.communicate(timeout=_ENDING_SECONDS)  # until the neighbour has closed its output, by ending


@contextmanager
def _bound_threads() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _BOUND}
    os.environ.update(_BOUND)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _small_pages() -> Iterator[None]:
    if sys.platform != "linux":
        raise ValueError("the cause small-pages needs Linux; leave it out of --causes")
    library = ctypes.CDLL(None)
    before = library.prctl(_PR_GET_THP_DISABLE, 0, 0, 0, 0)
    library.prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)
    try:
        yield
    finally:
        library.prctl(_PR_SET_THP_DISABLE, before, 0, 0, 0)


CAUSES = {
    IDLE: Cause("nothing is planted"),
    "bursts": Cause("a neighbour that copies memory in bursts", partial(neighbour, "bursts")),
    "cpu": Cause("a neighbour that computes, and uses no memory", partial(neighbour, "cpu")),
    "memory": Cause(
        "a neighbour that copies memory on cores that are free (SCHED_IDLE)", partial(neighbour, "memory")
    ),
    "small-pages": Cause("no huge pages, for inputs and for workers", _small_pages),
    "new-inputs": Cause("inputs are made anew, in other pages, for each launch", inputs=FreshInputs),
    "cold": Cause("no untimed calls before a round: caches and thread pools are cold", warm=False),
    "bound": Cause("OMP_PROC_BIND=true OMP_PLACES=cores, for libraries with OpenMP", _bound_threads),
}
"""By name. The first is what the others are compared with."""


def choose(listed: str | None) -> list[str]:
    """The names in `--causes a,b`; None: all. Idle is always among them, and first. Raises ValueError."""
    names = list(CAUSES) if listed is None else ["idle"] if listed == "none" else split(listed, "--causes")
    if unknown := [name for name in names if name not in CAUSES]:
        raise ValueError(f"no cause is called {unknown[0]!r:.40}; expected {', '.join(CAUSES)}, or none")
    return list(dict.fromkeys([IDLE, *names]))
