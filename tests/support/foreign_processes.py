"""Processes that a test starts and that are no descendants of it, as the programs of another user would be."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

_SECONDS = 60.0
"""After so long they end in any case."""
_ORPHAN = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
"""
"""The process that runs this forks, and ends: what remains is adopted by init."""
_BODY = f"""
import os, sys, time, signal
signal.alarm({_SECONDS:.0f})

def busy(seconds):
    start = time.process_time()
    while time.process_time() - start < seconds:
        pass

print(os.getpid(), flush=True)
for line in sys.stdin:
    what, _, seconds = line.partition(" ")
    if what == "busy":
        busy(float(seconds))
    elif what in ("child", "begin"):
        child = os.fork()
        if not child:
            busy(float(seconds))
            if what == "begin":
                signal.pause()
            os._exit(0)
        if what == "child":
            os.waitpid(child, 0)
    elif what == "end":
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    print(child if what == "begin" else time.process_time(), flush=True)
"""


@dataclass(frozen=True)
class Helper:
    """A process that does what it is told to."""

    pid: int
    orders: IO[str]
    answers: IO[str]

    def do(self, order: str) -> float:
        """`busy 0.1`: compute for 0.1 s of processor time. `child 0.1`: let a child do so, and wait for its end.
        `begin 0.1`: the same with a child that stays until `end 0`. Returns the processor time of the process so far;
        of `begin` the child's id.
        """
        print(order, file=self.orders, flush=True)
        return float(_line(self.answers))


def _line(file: IO[str]) -> str:
    readable, _, _ = select.select([file], [], [], _SECONDS)
    assert readable, "the process does not answer"
    return file.readline()


@contextmanager
def helper(orphan: bool, own_session: bool = False) -> Iterator[Helper]:
    """Such a process; with `orphan` one that is adopted by init."""
    script = (_ORPHAN if orphan else "") + _BODY
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=own_session,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        pid = int(_line(process.stdout))
        try:
            if orphan:
                process.wait()
                while os.getpgid(pid) != pid:  # it has left the session
                    time.sleep(1e-3)
            yield Helper(pid, process.stdin, process.stdout)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
