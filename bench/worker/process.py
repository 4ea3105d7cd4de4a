"""A worker as the race sees it: started, given orders, suspended, watched, and ended for good.

Nothing that a worker does reaches further than here: what it says is data, what it prints is drained and its
end kept, and how it ends (a crash, silence, too much memory) becomes an outcome in words.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bench.host import procfs
from bench.worker import messages
from bench.worker.exit_status import OUTCOMES, PHASES, has_exited
from bench.worker.messages import Frames, ProtocolError, Request, Response, WorkerFailed

_TICK_SECONDS = 0.05
_POLL_SECONDS = 1e-4
_GRACE_SECONDS = 1.0
"""For a process whose connection has closed to be gone as well, and for a stop to be obeyed."""
_KEPT_BYTES = 500
"""Of what it prints: the end."""


@dataclass(frozen=True)
class Limits:
    """What a worker may take."""

    seconds: float
    """For one order."""
    bytes: int
    """Of memory."""


class WorkerProcess:
    """One worker."""

    def __init__(
        self,
        environment: dict[str, str],
        cores: Sequence[int] | None,
        limits: Limits,
        service: str = "bench.worker.worker",
    ) -> None:
        """Raises OSError.

        cores: those that it may use; None where the system cannot pin
        service: the module whose `serve` it runs
        """
        self.limits = limits
        ours, theirs = socket.socketpair()
        readable, writable = os.pipe()
        command = [sys.executable, "-P", "-m", "bench.worker.bootstrap", str(os.getpid()), str(theirs.fileno())]
        command += [",".join(map(str, cores)) if cores else "-", service]
        try:
            self._popen = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=writable,
                stderr=writable,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            os.close(readable)
            raise
        finally:
            theirs.close()
            os.close(writable)
        os.set_blocking(readable, False)
        self._socket, self._output = ours, readable
        self._frames = Frames()
        self._deadline = float("inf")
        self._doing = "starting"
        self._printed = b""
        self.printed_bytes = 0
        self.closed = False

    # -- orders --

    def send(self, order: Request) -> None:
        """Give an order; `replies` has its answer. Raises Ended."""
        self._doing = order.name
        self._deadline = time.monotonic() + self.limits.seconds
        self._socket.settimeout(self.limits.seconds)
        try:
            descriptors = [] if order.descriptor is None else [order.descriptor]
            messages.send(self._socket, {"order": order.name, **order.arguments}, descriptors)
        except OSError:
            raise self._end() from None

    def request(self, order: Request) -> Response:
        """Give an order and wait for its answer. Raises Ended; then the worker is gone."""
        self.send(order)
        ((_, reply),) = as_completed([self])
        if isinstance(reply, WorkerFailed):
            raise reply
        return reply

    # -- life and death --

    def suspend(self) -> None:
        """Stop it and all its children. Returns when it has stopped, or cannot for a second."""
        if self._signal(signal.SIGSTOP) and hasattr(os, "waitid"):
            flags, until = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT, time.monotonic() + _GRACE_SECONDS
            with suppress(ChildProcessError):
                while os.waitid(os.P_PID, self._popen.pid, flags) is None and time.monotonic() < until:
                    time.sleep(_POLL_SECONDS)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it, all its children, and those of them that left its process group."""
        if self.closed:
            return
        self.closed = True
        descendants = procfs.descendants(self._popen.pid)
        self._signal(signal.SIGKILL)
        for descendant in descendants:
            with suppress(Exception):  # gone already
                descendant.kill()
        self._popen.wait()
        self._drain()
        self._socket.close()
        os.close(self._output)

    @property
    def printed(self) -> str:
        """The end of what it wrote to stdout and stderr."""
        return self._printed.decode(errors="replace")

    @property
    def cpu_seconds(self) -> float:
        """What it has used so far."""
        return procfs.cpu_seconds(self._popen.pid)

    def _signal(self, number: signal.Signals) -> bool:
        try:
            os.killpg(self._popen.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS refuses for a zombie
            return False
        return True

    # -- what it says --

    def files(self) -> tuple[socket.socket, int]:
        """What becomes readable when it speaks, and when it prints."""
        return self._socket, self._output

    def poll(self) -> Response | WorkerFailed | None:
        """Its answer if that has come; None while it works on."""
        self._drain()
        try:
            self._socket.setblocking(False)
            data = self._socket.recv(2**18)
        except BlockingIOError:
            return self._watched()
        except OSError:
            return self._end()
        if not data:
            return self._end()
        self._frames.feed(data)
        try:
            message = self._frames.next()
        except ProtocolError as garbled:
            self.kill()
            return WorkerFailed("crashed", f"it sent {garbled} {self._in_words()}")
        if message is None:
            return self._watched()
        if "outcome" in message:
            self.kill()
            outcome = message["outcome"] if message["outcome"] in OUTCOMES else "crashed"
            return WorkerFailed(outcome, str(message.get("reason")), message.get("invalid") is True)
        return message

    def _drain(self) -> None:
        with suppress(BlockingIOError, OSError):
            while data := os.read(self._output, 2**16):
                self.printed_bytes += len(data)
                self._printed = (self._printed + data)[-_KEPT_BYTES:]

    def _watched(self) -> WorkerFailed | None:
        """What goes wrong in silence: no time left, too much memory, it stopped itself, it is gone."""
        if time.monotonic() > self._deadline:
            self.kill()
            return WorkerFailed("timeout", f"no end after {self.limits.seconds:g} s, {self._in_words()}")
        if (held := procfs.resident_bytes(self._popen.pid)) > self.limits.bytes:
            self.kill()
            limit = f"{held / 2**30:.1f} GiB, over its limit of {self.limits.bytes / 2**30:.1f}"
            return WorkerFailed("out-of-memory", f"it held {limit}")
        if hasattr(os, "waitid"):
            flags = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT
            with suppress(ChildProcessError):
                seen = os.waitid(os.P_PID, self._popen.pid, flags)
                if seen is not None and seen.si_code == os.CLD_STOPPED:
                    name = signal.Signals(seen.si_status).name
                    self.kill()
                    return WorkerFailed("crashed", f"it stopped itself ({name}) {self._in_words()}")
                if seen is not None:
                    return self._end()
        return None

    def _end(self) -> WorkerFailed:
        """How a worker ended whose connection is closed."""
        until = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < until and not has_exited(self._popen):
            time.sleep(0.005)
        gone = has_exited(self._popen)
        self.kill()
        if not gone:
            return WorkerFailed("crashed", f"it closed its connection {self._in_words()}")
        code = self._popen.returncode
        if code >= 0:
            return WorkerFailed("crashed", f"it exited with code {code} {self._in_words()}")
        name = signal.Signals(-code).name
        description = f"{signal.strsignal(-code)}".lower()
        hint = " (the system may have run out of memory)" if -code == signal.SIGKILL else ""
        return WorkerFailed("crashed", f"{name}, {description}, {self._in_words()}{hint}")

    def _in_words(self) -> str:
        return PHASES.get(self._doing, f"while {self._doing}")


def as_completed(asked: Sequence[WorkerProcess]) -> Iterator[tuple[WorkerProcess, Response | WorkerFailed]]:
    """The answers of all that were given an order, as they come."""
    waiting = list(asked)
    with selectors.DefaultSelector() as selector:
        for process in waiting:
            for file in process.files():
                selector.register(file, selectors.EVENT_READ, process)
        while waiting:
            selector.select(_TICK_SECONDS)
            for process in list(waiting):
                files = process.files()
                if (reply := process.poll()) is not None:
                    waiting.remove(process)
                    for file in files:
                        with suppress(KeyError, ValueError, OSError):
                            selector.unregister(file)
                    yield process, reply
