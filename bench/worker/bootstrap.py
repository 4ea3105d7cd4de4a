"""The entry point of a worker's process, run before any library that counts cores is imported.

It asks the operating system to kill it with its parent (a stopped process cannot notice by itself that its parent is
gone), pins itself to its cores, and only then imports the module that serves requests.

    python -m bench.worker.bootstrap PARENT_PID SOCKET_DESCRIPTOR CORES SERVICE

CORES: 0,1,... or - for no pinning. SERVICE: a module with a function `serve`, such as bench.worker.worker.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # the parent exited before the call
        os._exit(1)


def _main(parent: str, descriptor: str, cores: str, service: str) -> None:
    _die_with(int(parent))
    if cores != "-":
        os.sched_setaffinity(0, map(int, cores.split(",")))
    importlib.import_module(service).serve(int(descriptor))


if __name__ == "__main__":
    _main(*sys.argv[1:])
