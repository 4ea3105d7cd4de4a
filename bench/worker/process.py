"""A worker as the race sees it: started, sent requests, suspended, watched and killed.

Nothing that a worker does affects the race: its responses are data, its output is drained and the end of it kept, and
a crash, a timeout or too much memory becomes an outcome with a reason.
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
from bench.worker.exit_status import OUTCOMES, PHASES
from bench.worker.frames import Frames, ProtocolError, send
from bench.worker.messages import Request, Response, WorkerFailed

_TICK_SECONDS = 0.05
_POLL_SECONDS = 1e-4
_GRACE_SECONDS = 1.0
"""The longest wait for a process to exit after its connection closed, and for one to stop after SIGSTOP."""
_OUTPUT_TAIL_BYTES = 500


@dataclass(frozen=True)
class Limits:
    """How long a worker may take, and how much memory."""

    seconds: float
    """For one request."""
    bytes: int
    """Resident memory."""


class WorkerProcess:
    """The process of one worker."""

    def __init__(
        self,
        environment: dict[str, str],
        cores: Sequence[int] | None,
        limits: Limits,
        service: str = "bench.worker.worker",
    ) -> None:
        """Raises OSError.

        cores: the cores that it may use; None where the system cannot pin a process
        service: the module whose `serve` function it runs
        """
        self.limits = limits
        parent_end, worker_end = socket.socketpair()
        readable, writable = os.pipe()
        command = [sys.executable, "-P", "-m", "bench.worker.bootstrap", str(os.getpid()), str(worker_end.fileno())]
        command += [",".join(map(str, cores)) if cores else "-", service]
        try:
            self._popen = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=writable,
                stderr=writable,
                pass_fds=[worker_end.fileno()],
                start_new_session=True,
            )
        except BaseException:
            parent_end.close()
            os.close(readable)
            raise
        finally:
            worker_end.close()
            os.close(writable)
        os.set_blocking(readable, False)
        self._socket, self._output = parent_end, readable
        self._frames = Frames()
        self._deadline = float("inf")
        self._request_name = "load"
        self._output_tail = b""
        self.output_bytes = 0
        self.closed = False

    def send(self, request: Request) -> None:
        """Send a request; `as_completed` yields its response. Raises WorkerFailed."""
        self._request_name = request.name
        self._deadline = time.monotonic() + self.limits.seconds
        self._socket.settimeout(self.limits.seconds)
        try:
            descriptors = [] if request.descriptor is None else [request.descriptor]
            send(self._socket, {"request": request.name, **request.arguments}, descriptors)
        except OSError:
            raise self._failure() from None

    def request(self, request: Request) -> Response:
        """Send a request and wait for the response. Raises WorkerFailed; the worker is killed then."""
        self.send(request)
        ((_, response),) = as_completed([self])
        if isinstance(response, WorkerFailed):
            raise response
        return response

    def suspend(self) -> None:
        """Stop the worker and all its children. Returns when it has stopped, or after a second."""
        if self._signal(signal.SIGSTOP) and hasattr(os, "waitid"):
            flags, deadline = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT, time.monotonic() + _GRACE_SECONDS
            with suppress(ChildProcessError):
                while os.waitid(os.P_PID, self._popen.pid, flags) is None and time.monotonic() < deadline:
                    time.sleep(_POLL_SECONDS)

    def resume(self) -> None:
        """Let the worker and its children continue."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the worker and all its descendants, even those that left its process group."""
        if self.closed:
            return
        self.closed = True
        descendants = procfs.descendants(self._popen.pid)
        self._signal(signal.SIGKILL)
        for descendant in descendants:
            with suppress(Exception):  # it has exited already
                descendant.kill()
        self._popen.wait()
        self._drain()
        self._socket.close()
        os.close(self._output)

    @property
    def output_tail(self) -> str:
        """The end of what the worker wrote to stdout and stderr; `output_bytes` is the length of all of it."""
        return self._output_tail.decode(errors="replace")

    @property
    def cpu_seconds(self) -> float:
        """The processor time that the worker has used so far."""
        return procfs.cpu_seconds(self._popen.pid)

    def _signal(self, number: signal.Signals) -> bool:
        try:
            os.killpg(self._popen.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS refuses for a zombie
            return False
        return True

    def files(self) -> tuple[socket.socket, int]:
        """The socket that carries responses, and the descriptor that carries printed output."""
        return self._socket, self._output

    def poll(self) -> Response | WorkerFailed | None:
        """The response, or how the worker failed; None while it is still working."""
        self._drain()
        try:
            self._socket.setblocking(False)
            data = self._socket.recv(2**18)
        except BlockingIOError:
            return self._unreported_failure()
        except OSError:
            return self._failure()
        if not data:
            return self._failure()
        self._frames.feed(data)
        try:
            message = self._frames.next()
        except ProtocolError as error:
            self.kill()
            return WorkerFailed("crashed", f"it sent {error} {self._phase()}")
        if message is None:
            return self._unreported_failure()
        if "outcome" in message:
            self.kill()
            outcome = message["outcome"] if message["outcome"] in OUTCOMES else "crashed"
            return WorkerFailed(outcome, str(message.get("reason")), message.get("bad_spec") is True)
        return message

    def _drain(self) -> None:
        with suppress(BlockingIOError, OSError):
            while data := os.read(self._output, 2**16):
                self.output_bytes += len(data)
                self._output_tail = (self._output_tail + data)[-_OUTPUT_TAIL_BYTES:]

    def _unreported_failure(self) -> WorkerFailed | None:
        """The failures that a worker does not report: a timeout, too much memory, stopped or exited."""
        if time.monotonic() > self._deadline:
            self.kill()
            return WorkerFailed("timeout", f"not finished after {self.limits.seconds:g} s, {self._phase()}")
        if (resident := procfs.resident_bytes(self._popen.pid)) > self.limits.bytes:
            self.kill()
            used, limit = resident / 2**30, self.limits.bytes / 2**30
            return WorkerFailed("out-of-memory", f"it used {used:.1f} GiB, over its limit of {limit:.1f}")
        if hasattr(os, "waitid"):
            flags = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT
            with suppress(ChildProcessError):
                status = os.waitid(os.P_PID, self._popen.pid, flags)
                if status is not None and status.si_code == os.CLD_STOPPED:
                    name = signal.Signals(status.si_status).name
                    self.kill()
                    return WorkerFailed("crashed", f"it stopped itself ({name}) {self._phase()}")
                if status is not None:
                    return self._failure()
        return None

    def _failure(self) -> WorkerFailed:
        """How the worker ended, once its connection is closed."""
        deadline = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < deadline and not _has_exited(self._popen):
            time.sleep(0.005)
        exited = _has_exited(self._popen)
        self.kill()
        if not exited:
            return WorkerFailed("crashed", f"it closed its connection {self._phase()}")
        code = self._popen.returncode
        if code >= 0:
            return WorkerFailed("crashed", f"it exited with code {code} {self._phase()}")
        name = signal.Signals(-code).name
        description = f"{signal.strsignal(-code)}".lower()
        hint = " (the system may have run out of memory)" if -code == signal.SIGKILL else ""
        return WorkerFailed("crashed", f"{name}, {description}, {self._phase()}{hint}")

    def _phase(self) -> str:
        return PHASES.get(self._request_name, f"during {self._request_name}")


def as_completed(workers: Sequence[WorkerProcess]) -> Iterator[tuple[WorkerProcess, Response | WorkerFailed]]:
    """The responses of workers that were sent a request, in the order of arrival."""
    waiting = list(workers)
    with selectors.DefaultSelector() as selector:
        for process in waiting:
            for file in process.files():
                selector.register(file, selectors.EVENT_READ, process)
        while waiting:
            selector.select(_TICK_SECONDS)
            for process in list(waiting):
                files = process.files()
                if (response := process.poll()) is not None:
                    waiting.remove(process)
                    for file in files:
                        with suppress(KeyError, ValueError, OSError):
                            selector.unregister(file)
                    yield process, response


def _has_exited(popen: subprocess.Popen[bytes]) -> bool:
    """Whether the process has exited. Where possible it is not reaped, which keeps its process group's id taken."""
    if not hasattr(os, "waitid"):
        return popen.poll() is not None
    try:
        return os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
