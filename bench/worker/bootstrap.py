"""The entry point of a worker's process, run before any library that counts cores is imported.

It gets a supervisor, sends its own process id, pins itself to its cores, and only then imports the module that serves
requests.

    python -m bench.worker.bootstrap PARENT_PID SOCKET_DESCRIPTOR CORES SERVICE

CORES: 0,1,... or - for no pinning. SERVICE: a module with a function `serve`, such as bench.worker.worker.
"""

from __future__ import annotations

import importlib
import os
import sys

from bench.worker.supervisor import PID_BYTES, fork_worker


def _main(parent: str, descriptor: str, cores: str, service: str) -> None:
    fork_worker(int(parent), int(descriptor))
    os.write(int(descriptor), os.getpid().to_bytes(PID_BYTES))
    if cores != "-":
        os.sched_setaffinity(0, map(int, cores.split(",")))
    importlib.import_module(service).serve(int(descriptor))


if __name__ == "__main__":
    _main(*sys.argv[1:])
