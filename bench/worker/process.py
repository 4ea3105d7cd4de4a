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
from bench.worker import leftovers
from bench.worker.exit_status import PHASES, exit_reason
from bench.worker.frames import Frames, ProtocolError, send
from bench.worker.messages import Request, Response, WorkerFailed, reported_failure
from bench.worker.supervisor import ENDING_SECONDS, PID_BYTES

_TICK_SECONDS = 0.05
_POLL_SECONDS = 1e-4
_GRACE_SECONDS = 1.0
"""The longest wait for a process to exit after its connection closed, and for one to stop after SIGSTOP."""
_RUNNING = ("R", "S", "D")
"""The states, as ps shows them, of a process that is neither stopped nor dead."""
_OUTPUT_TAIL_BYTES = 500


@dataclass(frozen=True)
class Limits:
    """How long a worker may take, and how much memory."""

    seconds: float
    """For one request."""
    bytes: int
    """Resident memory, of all its processes together."""


class WorkerProcess:
    """The process of one worker, and between it and this process its supervisor."""

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
        self.limits, self._mark = limits, leftovers.new_mark()
        parent_end, worker_end = socket.socketpair()
        readable, writable = os.pipe()
        command = [sys.executable, "-P", "-m", "bench.worker.bootstrap", str(os.getpid()), str(worker_end.fileno())]
        command += [",".join(map(str, cores)) if cores else "-", service]
        try:
            self._popen = subprocess.Popen(
                command,
                env=environment | self._mark,
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
        self.pid = 0
        """The worker's process; 0 before the first request."""
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
            if not self.pid:
                self.pid = int.from_bytes(self._socket.recv(PID_BYTES, socket.MSG_WAITALL))
            descriptors = [] if request.descriptor is None else [request.descriptor]
            send(self._socket, {"request": request.name, **request.arguments}, descriptors)
        except TimeoutError:
            raise self._timeout() from None
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
        if self._signal(signal.SIGSTOP):
            deadline = time.monotonic() + _GRACE_SECONDS
            while procfs.state(self.pid) in _RUNNING and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)

    def resume(self) -> None:
        """Let the worker and its children continue."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the worker and all its descendants, even those that left its process group."""
        if self.closed:
            return
        self.closed = True
        ended_by_itself = self._popen.poll() is not None
        if sys.platform == "linux":
            self._popen.terminate()
            self._popen.send_signal(signal.SIGCONT)  # the kernel may have stopped its supervisor
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(ENDING_SECONDS + _GRACE_SECONDS)
        if sys.platform != "linux" or self._popen.returncode is None:
            leftovers.kill_family(self._popen.pid)
            self._popen.wait()
        if ended_by_itself:
            leftovers.kill_marked(self._mark)
        self._drain()
        self._socket.close()
        os.close(self._output)

    @property
    def output_tail(self) -> str:
        """The end of what the worker wrote to stdout and stderr; `output_bytes` is the length of all of it."""
        return self._output_tail.decode(errors="replace")

    @property
    def cpu_seconds(self) -> float:
        """The processor time that the worker has used so far, and all processes that it started."""
        return procfs.cpu_seconds(procfs.family(self._popen.pid))

    def _signal(self, number: signal.Signals) -> bool:
        if not self.pid:
            return False
        try:
            os.killpg(self.pid, number)
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
        if self._frames.pending:
            self.kill()
            return WorkerFailed("crashed", f"it sent more than one response {self._phase()}")
        if "outcome" in message:
            self.kill()
            return reported_failure(message)
        return message

    def _drain(self) -> None:
        with suppress(BlockingIOError, OSError):
            while data := os.read(self._output, 2**16):
                self.output_bytes += len(data)
                self._output_tail = (self._output_tail + data)[-_OUTPUT_TAIL_BYTES:]

    def _unreported_failure(self) -> WorkerFailed | None:
        """The failures that a worker does not report: a timeout, too much memory, stopped or exited."""
        if time.monotonic() > self._deadline:
            return self._timeout()
        if (resident := procfs.resident_bytes(procfs.family(self._popen.pid), self.limits.bytes)) > self.limits.bytes:
            self.kill()
            used, limit = resident / 2**30, self.limits.bytes / 2**30
            return WorkerFailed("out-of-memory", f"it used {used:.1f} GiB, over its limit of {limit:.1f}")
        if procfs.state(self.pid) == "T":
            self.kill()
            return WorkerFailed("crashed", f"it stopped itself {self._phase()}")
        if self._popen.poll() is not None:
            return self._failure()
        return None

    def _timeout(self) -> WorkerFailed:
        self.kill()
        return WorkerFailed("timeout", f"not finished after {self.limits.seconds:g} s, {self._phase()}")

    def _failure(self) -> WorkerFailed:
        """How the worker ended, once its connection is closed."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE_SECONDS)
        code = self._popen.returncode
        self.kill()
        if code is None:
            return WorkerFailed("crashed", f"it closed its connection {self._phase()}")
        return WorkerFailed("crashed", exit_reason(code, self._phase()))

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
